/*
 * A native backend for Triton: after a delay it answers with its first input as the output Y. What it reports of its own
 * times is exact, and nothing but Triton is between it and its client. Declares of Triton's C interface
 * (tritonbackend.h, BSD licence) what it calls.
 *
 * Parameter of a model: delay_us, of one execution, however many requests are in its batch.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

typedef struct TRITONSERVER_Error Error;
typedef struct TRITONSERVER_Message Message;
typedef struct TRITONBACKEND_Model Model;
typedef struct TRITONBACKEND_ModelInstance Instance;
typedef struct TRITONBACKEND_Request Request;
typedef struct TRITONBACKEND_Response Response;
typedef struct TRITONBACKEND_Input Input;
typedef struct TRITONBACKEND_Output Output;

enum { releaseAll = 1, finalResponse = 1, configVersion = 1 };

Error *TRITONBACKEND_ModelInstanceModel(Instance *, Model **);
Error *TRITONBACKEND_ModelConfig(Model *, uint32_t version, Message **);
Error *TRITONSERVER_MessageSerializeToJson(Message *, const char **, size_t *);
Error *TRITONSERVER_MessageDelete(Message *);
Error *TRITONBACKEND_ModelInstanceSetState(Instance *, void *);
Error *TRITONBACKEND_ModelInstanceState(Instance *, void **);
Error *TRITONBACKEND_RequestInputByIndex(Request *, uint32_t index, Input **);
Error *TRITONBACKEND_InputProperties(Input *, const char **name, int *datatype, const int64_t **shape,
                                     uint32_t *dims, uint64_t *bytes, uint32_t *buffers);
Error *TRITONBACKEND_InputBuffer(Input *, uint32_t index, const void **, uint64_t *bytes, int *memoryType, int64_t *memoryId);
Error *TRITONBACKEND_ResponseNew(Response **, Request *);
Error *TRITONBACKEND_ResponseOutput(Response *, Output **, const char *name, int datatype, const int64_t *shape, uint32_t dims);
Error *TRITONBACKEND_OutputBuffer(Output *, void **, uint64_t bytes, int *memoryType, int64_t *memoryId);
Error *TRITONBACKEND_ResponseSend(Response *, uint32_t flags, Error *);
Error *TRITONBACKEND_RequestRelease(Request *, uint32_t flags);
Error *TRITONBACKEND_ModelInstanceReportStatistics(Instance *, Request *, _Bool success, uint64_t start, uint64_t computeStart,
                                                   uint64_t computeEnd, uint64_t end);
Error *TRITONBACKEND_ModelInstanceReportBatchStatistics(Instance *, uint64_t size, uint64_t start, uint64_t computeStart,
                                                        uint64_t computeEnd, uint64_t end);

/* Triton's own clock: a queue's time is from its stamp to ours. */
static uint64_t nowNs(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The number in `"delay_us":{"string_value":"2000"}`; 0 where there is none. */
static long delayIn(const char *json, size_t length) {
  char *text = strndup(json, length);
  const char *at = strstr(text, "\"delay_us\"");
  if (at != NULL) at = strstr(at, "string_value\"");
  if (at != NULL) at = strpbrk(at + strlen("string_value\""), "0123456789");
  long delay = at == NULL ? 0 : atol(at);
  free(text);
  return delay;
}

EXPORT Error *TRITONBACKEND_ModelInstanceInitialize(Instance *instance) {
  Model *model;
  Message *config;
  const char *json;
  size_t length;
  struct timespec *delay = calloc(1, sizeof *delay);
  TRITONBACKEND_ModelInstanceModel(instance, &model);
  TRITONBACKEND_ModelConfig(model, configVersion, &config);
  TRITONSERVER_MessageSerializeToJson(config, &json, &length);
  long microseconds = delayIn(json, length);
  delay->tv_sec = microseconds / 1000000;
  delay->tv_nsec = microseconds % 1000000 * 1000;
  TRITONSERVER_MessageDelete(config);
  return TRITONBACKEND_ModelInstanceSetState(instance, delay);
}

EXPORT Error *TRITONBACKEND_ModelInstanceFinalize(Instance *instance) {
  void *delay = NULL;
  TRITONBACKEND_ModelInstanceState(instance, &delay);
  free(delay);
  return NULL;
}

/* Returns the inferences of the request: the first dimension of its input. */
static uint64_t answer(Request *request) {
  Input *input;
  Output *output;
  Response *response;
  const char *name;
  const int64_t *shape;
  int datatype, memoryType = 0;
  int64_t memoryId = 0;
  uint32_t dims, buffers;
  uint64_t bytes, offset = 0;
  void *to;
  TRITONBACKEND_RequestInputByIndex(request, 0, &input);
  TRITONBACKEND_InputProperties(input, &name, &datatype, &shape, &dims, &bytes, &buffers);
  TRITONBACKEND_ResponseNew(&response, request);
  TRITONBACKEND_ResponseOutput(response, &output, "Y", datatype, shape, dims);
  TRITONBACKEND_OutputBuffer(output, &to, bytes, &memoryType, &memoryId);
  for (uint32_t index = 0; index < buffers; index++) {
    const void *from;
    uint64_t length;
    TRITONBACKEND_InputBuffer(input, index, &from, &length, &memoryType, &memoryId);
    memcpy((char *)to + offset, from, length);
    offset += length;
  }
  TRITONBACKEND_ResponseSend(response, finalResponse, NULL);
  return dims == 0 ? 1 : (uint64_t)shape[0];
}

EXPORT Error *TRITONBACKEND_ModelInstanceExecute(Instance *instance, Request **requests, uint32_t count) {
  void *delay = NULL;
  uint64_t inferences = 0;
  TRITONBACKEND_ModelInstanceState(instance, &delay);
  uint64_t start = nowNs();
  nanosleep(delay, NULL);
  uint64_t computed = nowNs();
  for (uint32_t index = 0; index < count; index++) {
    inferences += answer(requests[index]);
    TRITONBACKEND_ModelInstanceReportStatistics(instance, requests[index], 1, start, start, computed, nowNs());
    TRITONBACKEND_RequestRelease(requests[index], releaseAll);
  }
  return TRITONBACKEND_ModelInstanceReportBatchStatistics(instance, inferences, start, start, computed, nowNs());
}
