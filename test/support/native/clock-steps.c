/*
 * Preloaded, it makes the wall clock of a process step every 700 ms: an hour back, a day forward, and to what it was. The
 * monotonic clock is left alone, as where NTP or an administrator sets the time.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

static int (*realClock)(clockid_t, struct timespec *);

static time_t stepS(void) {
  static const time_t steps[] = {0, -3600, 86400};
  struct timespec now;
  realClock(CLOCK_MONOTONIC, &now);
  return steps[(now.tv_sec * 10 + now.tv_nsec / 100000000) / 7 % 3];
}

int clock_gettime(clockid_t id, struct timespec *time) {
  if (realClock == NULL) realClock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = realClock(id, time);
  if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) time->tv_sec += stepS();
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  struct timespec now;
  (void)zone;
  int result = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return result;
}

time_t time(time_t *to) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (to != NULL) *to = now.tv_sec;
  return now.tv_sec;
}
