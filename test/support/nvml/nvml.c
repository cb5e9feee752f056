/*
 * A stand-in for libnvidia-ml.so.1, so that the real nvidia-smi, and the DCGM in Triton, run on a machine without a
 * GPU. Its GPUs live in a text file, $NVML_STATE, which is read again at every call: whoever rewrites it moves the GPUs.
 *
 *   init 18                                       what nvmlInit returns; 0 where the line is missing
 *   gpu uuid=GPU-1 name=NVIDIA_L4 total=23034 used=512 utilization=37 power=31500 clock=1200 throttle=0x4 mig=0
 *   process gpu=0 pid=4242 memory=300
 *
 * Memory in MiB, utilization in percent, power in mW, clock in MHz. A field of -1, or left out, is one that the
 * driver does not support. `lost=1` makes a GPU fall off the bus. `_` in a name is a blank.
 *
 * Clocks that are locked stand in $NVML_STATE.clocks, one line for each change in their order: `gpu 0 1200 1200`,
 * `memory 0 5001 5001`, and `gpu 0 reset`. `locking=4` on a GPU's line is what the calls that would lock them return.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* nvmlReturn_t, as far as it is used here (nvml.h). */
enum {
  SUCCESS = 0,
  INVALID_ARGUMENT = 2,
  NOT_SUPPORTED = 3,
  NO_PERMISSION = 4,
  NOT_FOUND = 6,
  INSUFFICIENT_SIZE = 7,
  DRIVER_NOT_LOADED = 9,
  TIMEOUT = 10,
  GPU_IS_LOST = 15,
  LIB_RM_VERSION_MISMATCH = 18,
};

enum { MAX_GPUS = 8, MAX_PROCESSES = 64, NAME_SIZE = 96 };
static const char driver_version[] = "535.261.03";
static const unsigned long long not_available = ~0ull;

struct gpu {
  unsigned index;
  char uuid[NAME_SIZE], name[NAME_SIZE];
  double total, used, utilization, power, clock, throttle, mig, lost, default_clock, locking;
};
struct process {
  double gpu, pid, memory;
};

static int init_result;
static unsigned gpu_count, process_count;
static struct gpu gpus[MAX_GPUS];
static struct process processes[MAX_PROCESSES];

/* ---- the state file */

/* The word after ` key=`, with `_` as blanks; leaves `text` as it is where the key is missing. */
static void read_text(const char *line, const char *key, char text[NAME_SIZE]) {
  char pattern[32];
  snprintf(pattern, sizeof pattern, " %s=", key);
  const char *found = strstr(line, pattern);
  if (found == NULL) return;
  sscanf(found + strlen(pattern), "%95s", text);
  for (char *c = text; *c != '\0'; c++) {
    if (*c == '_') *c = ' ';
  }
}

/* Decimal or hexadecimal; -1 where the key is missing. */
static double read_number(const char *line, const char *key) {
  char text[NAME_SIZE] = "-1";
  read_text(line, key, text);
  return strtod(text, NULL);
}

static struct gpu read_gpu(const char *line, unsigned index) {
  struct gpu gpu = {
      .index = index,
      .total = read_number(line, "total"),
      .used = read_number(line, "used"),
      .utilization = read_number(line, "utilization"),
      .power = read_number(line, "power"),
      .clock = read_number(line, "clock"),
      .throttle = read_number(line, "throttle"),
      .mig = read_number(line, "mig"),
      .lost = read_number(line, "lost"),
      .default_clock = read_number(line, "default_clock"),
      .locking = read_number(line, "locking"),
  };
  read_text(line, "uuid", gpu.uuid);
  read_text(line, "name", gpu.name);
  return gpu;
}

static void read_state(void) {
  const char *path = getenv("NVML_STATE");
  FILE *file = path == NULL ? NULL : fopen(path, "r");
  gpu_count = process_count = 0;
  init_result = file == NULL ? DRIVER_NOT_LOADED : SUCCESS;
  if (file == NULL) return;
  char line[512];
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, "init ", 5) == 0) {
      init_result = atoi(line + 5);
    } else if (strncmp(line, "gpu ", 4) == 0 && gpu_count < MAX_GPUS) {
      gpus[gpu_count] = read_gpu(line, gpu_count);
      gpu_count++;
    } else if (strncmp(line, "process ", 8) == 0 && process_count < MAX_PROCESSES) {
      processes[process_count++] = (struct process){
          .gpu = read_number(line, "gpu"),
          .pid = read_number(line, "pid"),
          .memory = read_number(line, "memory"),
      };
    }
  }
  fclose(file);
}

/* What every call that is given a device begins with. */
#define READ_DEVICE(gpu)                        \
  do {                                          \
    read_state();                               \
    if ((gpu) == NULL) return INVALID_ARGUMENT; \
    if ((gpu)->lost == 1) return GPU_IS_LOST;   \
  } while (0)

static unsigned long long bytes(double mebibytes) {
  return mebibytes < 0 ? not_available : (unsigned long long)(mebibytes * 1048576);
}

static int give(double value, unsigned *out) {
  if (value < 0) return NOT_SUPPORTED;
  *out = (unsigned)value;
  return SUCCESS;
}

/* ---- the public calls that nvidia-smi makes (nvml.h) */

int nvmlInit_v2(void) {
  read_state();
  return init_result;
}
int nvmlInitWithFlags(unsigned flags) {
  (void)flags;
  return nvmlInit_v2();
}
int nvmlShutdown(void) { return SUCCESS; }

const char *nvmlErrorString(int result) {
  switch (result) {
    case SUCCESS: return "Success";
    case NOT_SUPPORTED: return "Not Supported";
    case NO_PERMISSION: return "Insufficient Permissions";
    case NOT_FOUND: return "Not Found";
    case DRIVER_NOT_LOADED: return "Driver Not Loaded";
    case GPU_IS_LOST: return "GPU is lost";
    case LIB_RM_VERSION_MISMATCH: return "Driver/library version mismatch";
    default: return "Unknown Error";
  }
}

int nvmlSystemGetDriverVersion(char *version, unsigned size) {
  snprintf(version, size, "%s", driver_version);
  return SUCCESS;
}
int nvmlSystemGetNVMLVersion(char *version, unsigned size) {
  snprintf(version, size, "12.%s", driver_version);
  return SUCCESS;
}
int nvmlSystemGetCudaDriverVersion_v2(int *version) {
  *version = 12020;
  return SUCCESS;
}
int nvmlSystemGetCudaDriverVersion(int *version) { return nvmlSystemGetCudaDriverVersion_v2(version); }

int nvmlDeviceGetCount_v2(unsigned *count) {
  read_state();
  *count = gpu_count;
  return SUCCESS;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct gpu **gpu) {
  read_state();
  if (index >= gpu_count) return INVALID_ARGUMENT;
  if (gpus[index].lost == 1) return GPU_IS_LOST;
  *gpu = &gpus[index];
  return SUCCESS;
}
int nvmlDeviceGetIndex(struct gpu *gpu, unsigned *index) {
  READ_DEVICE(gpu);
  *index = gpu->index;
  return SUCCESS;
}
int nvmlDeviceGetUUID(struct gpu *gpu, char *uuid, unsigned size) {
  READ_DEVICE(gpu);
  snprintf(uuid, size, "%s", gpu->uuid);
  return SUCCESS;
}
int nvmlDeviceGetName(struct gpu *gpu, char *name, unsigned size) {
  READ_DEVICE(gpu);
  snprintf(name, size, "%s", gpu->name);
  return SUCCESS;
}

struct pci_info {
  char legacy_id[16];
  unsigned domain, bus, device, device_id, subsystem_id;
  char id[32];
};
int nvmlDeviceGetPciInfo_v3(struct gpu *gpu, struct pci_info *pci) {
  READ_DEVICE(gpu);
  *pci = (struct pci_info){.bus = gpu->index + 1, .device_id = 0x27b810de};
  snprintf(pci->legacy_id, sizeof pci->legacy_id, "0000:%02X:00.0", pci->bus);
  snprintf(pci->id, sizeof pci->id, "00000000:%02X:00.0", pci->bus);
  return SUCCESS;
}

struct memory {
  unsigned long long total, free, used;
};
int nvmlDeviceGetMemoryInfo(struct gpu *gpu, struct memory *memory) {
  READ_DEVICE(gpu);
  if (gpu->used < 0) return NOT_SUPPORTED;
  *memory = (struct memory){bytes(gpu->total), bytes(gpu->total - gpu->used), bytes(gpu->used)};
  return SUCCESS;
}
struct memory_v2 {
  unsigned version;
  unsigned long long total, reserved, free, used;
};
int nvmlDeviceGetMemoryInfo_v2(struct gpu *gpu, struct memory_v2 *memory) {
  struct memory plain;
  int result = nvmlDeviceGetMemoryInfo(gpu, &plain);
  if (result != SUCCESS) return result;
  *memory = (struct memory_v2){memory->version, plain.total, 0, plain.free, plain.used};
  return SUCCESS;
}

struct utilization {
  unsigned gpu, memory;
};
int nvmlDeviceGetUtilizationRates(struct gpu *gpu, struct utilization *utilization) {
  READ_DEVICE(gpu);
  utilization->memory = 0;
  return give(gpu->utilization, &utilization->gpu);
}
int nvmlDeviceGetPowerUsage(struct gpu *gpu, unsigned *milliwatts) {
  READ_DEVICE(gpu);
  return give(gpu->power, milliwatts);
}
int nvmlDeviceGetPowerManagementLimit(struct gpu *gpu, unsigned *milliwatts) {
  READ_DEVICE(gpu);
  return give(gpu->power < 0 ? -1 : 72000, milliwatts);
}

/* ---- clocks, and how they are locked */

static void clocks_path(char *path, size_t size) {
  const char *state = getenv("NVML_STATE");
  snprintf(path, size, "%s.clocks", state == NULL ? "" : state);
}

/* The highest clock that the last line for this domain and GPU allows; -1 where they are not locked. */
static double locked_clock(const char *domain, unsigned index) {
  char path[512], line[96], prefix[32], limits[64];
  double locked = -1;
  clocks_path(path, sizeof path);
  FILE *file = fopen(path, "r");
  if (file == NULL) return -1;
  snprintf(prefix, sizeof prefix, "%s %u ", domain, index);
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, prefix, strlen(prefix)) != 0) continue;
    snprintf(limits, sizeof limits, "%s", line + strlen(prefix));
    const char *high = strchr(limits, ' ');
    locked = high == NULL ? -1 : strtod(high, NULL);
  }
  fclose(file);
  return locked;
}

static int write_lock(struct gpu *gpu, const char *domain, const char *change) {
  READ_DEVICE(gpu);
  if (gpu->locking > 0) return (int)gpu->locking;
  char path[512];
  clocks_path(path, sizeof path);
  FILE *file = fopen(path, "a");
  if (file == NULL) return NO_PERMISSION;
  fprintf(file, "%s %u %s\n", domain, gpu->index, change);
  return fclose(file) == 0 ? SUCCESS : NO_PERMISSION;
}
static int lock_between(struct gpu *gpu, const char *domain, unsigned low, unsigned high) {
  char limits[32];
  snprintf(limits, sizeof limits, "%u %u", low, high);
  return write_lock(gpu, domain, limits);
}
int nvmlDeviceSetGpuLockedClocks(struct gpu *gpu, unsigned low, unsigned high) {
  return lock_between(gpu, "gpu", low, high);
}
int nvmlDeviceResetGpuLockedClocks(struct gpu *gpu) { return write_lock(gpu, "gpu", "reset"); }
int nvmlDeviceSetMemoryLockedClocks(struct gpu *gpu, unsigned low, unsigned high) {
  return lock_between(gpu, "memory", low, high);
}
int nvmlDeviceResetMemoryLockedClocks(struct gpu *gpu) { return write_lock(gpu, "memory", "reset"); }

int nvmlDeviceGetClockInfo(struct gpu *gpu, int type, unsigned *megahertz) {
  enum { MEMORY_CLOCK = 2 };
  READ_DEVICE(gpu);
  double locked = locked_clock(type == MEMORY_CLOCK ? "memory" : "gpu", gpu->index);
  return give(locked < 0 ? gpu->clock : locked, megahertz);
}
int nvmlDeviceGetMaxClockInfo(struct gpu *gpu, int type, unsigned *megahertz) {
  (void)type;
  READ_DEVICE(gpu);
  return give(gpu->clock, megahertz);
}
int nvmlDeviceGetDefaultApplicationsClock(struct gpu *gpu, int type, unsigned *megahertz) {
  (void)type;
  READ_DEVICE(gpu);
  return give(gpu->default_clock, megahertz);
}
int nvmlDeviceGetCurrentClocksThrottleReasons(struct gpu *gpu, unsigned long long *reasons) {
  READ_DEVICE(gpu);
  if (gpu->throttle < 0) return NOT_SUPPORTED;
  *reasons = (unsigned long long)gpu->throttle;
  return SUCCESS;
}
/* Without this one nvidia-smi does not ask for the current reasons either. */
int nvmlDeviceGetSupportedClocksThrottleReasons(struct gpu *gpu, unsigned long long *reasons) {
  READ_DEVICE(gpu);
  *reasons = 0x1ff;
  return SUCCESS;
}
int nvmlDeviceGetMigMode(struct gpu *gpu, unsigned *current, unsigned *pending) {
  READ_DEVICE(gpu);
  *pending = gpu->mig == 1;
  return give(gpu->mig, current);
}

/* ---- the private table by which nvidia-smi lists devices and processes */

/* An entry of the process list; nvidia-smi steps through it by this size. */
struct listed_process {
  unsigned pid, unused;
  unsigned long long memory;
  unsigned gpu_instance, compute_instance;
  unsigned long long protected_memory;
  char name[4096];
};
_Static_assert(sizeof(struct listed_process) == 4128, "as nvidia-smi has it");

static int list_processes(struct gpu *gpu, unsigned *count, struct listed_process *list) {
  READ_DEVICE(gpu);
  unsigned capacity = *count;
  *count = 0;
  for (unsigned i = 0; i < process_count; i++) {
    if (processes[i].gpu != gpu->index) continue;
    if (*count == capacity) return INSUFFICIENT_SIZE;
    struct listed_process *entry = &list[(*count)++];
    *entry = (struct listed_process){
        .pid = (unsigned)processes[i].pid,
        .memory = bytes(processes[i].memory),
        .gpu_instance = ~0u,
        .compute_instance = ~0u,
    };
    snprintf(entry->name, sizeof entry->name, "tritonserver");
  }
  return SUCCESS;
}

/* Lists of what there is none of, such as graphics processes. */
static int list_nothing(struct gpu *gpu, unsigned *count) {
  if (gpu >= gpus && gpu < gpus + MAX_GPUS && count != NULL) *count = 0;
  return SUCCESS;
}

enum { TABLE_SIZE = 256, SLOT_DEVICE = 81, SLOT_PROCESSES = 213, PROCESS_SLOTS = 3 };

int nvmlInternalGetExportTable(const void **table, const void *id) {
  static void *slots[TABLE_SIZE];
  (void)id;
  slots[0] = (void *)sizeof slots;
  for (int i = 1; i < TABLE_SIZE; i++) slots[i] = (void *)list_nothing;
  slots[SLOT_DEVICE] = (void *)nvmlDeviceGetHandleByIndex_v2;
  for (int i = 0; i < PROCESS_SLOTS; i++) slots[SLOT_PROCESSES + i] = (void *)list_processes;
  *table = slots;
  return SUCCESS;
}

/* ---- what DCGM, which Triton reads its GPU metrics by, asks beside that */

int nvmlInit(void) { return nvmlInit_v2(); }
int nvmlGetExcludedDeviceCount(unsigned *count) {
  *count = 0;
  return SUCCESS;
}
int nvmlDeviceGetMinorNumber(struct gpu *gpu, unsigned *minor) { return nvmlDeviceGetIndex(gpu, minor); }
int nvmlDeviceGetHandleByUUID(const char *uuid, struct gpu **gpu) {
  read_state();
  for (unsigned i = 0; i < gpu_count; i++) {
    if (strcmp(gpus[i].uuid, uuid) != 0) continue;
    *gpu = &gpus[i];
    return gpus[i].lost == 1 ? GPU_IS_LOST : SUCCESS;
  }
  return NOT_FOUND;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char *id, struct gpu **gpu) {
  unsigned domain, bus;
  read_state();
  if (sscanf(id, "%x:%x", &domain, &bus) != 2 || bus == 0 || bus > gpu_count) return NOT_FOUND;
  *gpu = &gpus[bus - 1];
  return SUCCESS;
}
int nvmlDeviceGetCudaComputeCapability(struct gpu *gpu, int *major, int *minor) {
  READ_DEVICE(gpu);
  *major = 8;
  *minor = 9;
  return SUCCESS;
}
int nvmlDeviceGetComputeMode(struct gpu *gpu, int *mode) {
  READ_DEVICE(gpu);
  *mode = 0;
  return SUCCESS;
}
int nvmlDeviceGetPersistenceMode(struct gpu *gpu, int *mode) {
  READ_DEVICE(gpu);
  *mode = 1;
  return SUCCESS;
}
int nvmlDeviceGetBrand(struct gpu *gpu, int *brand) { return nvmlDeviceGetComputeMode(gpu, brand); }
int nvmlDeviceGetVirtualizationMode(struct gpu *gpu, int *mode) { return nvmlDeviceGetComputeMode(gpu, mode); }
int nvmlDeviceIsMigDeviceHandle(struct gpu *gpu, unsigned *is) {
  (void)gpu;
  *is = 0;
  return SUCCESS;
}

/* Events never come; but one must be able to wait for them, or DCGM does not end. */
int nvmlEventSetCreate(void **set) {
  static int the_set;
  *set = &the_set;
  return SUCCESS;
}
int nvmlEventSetFree(void *set) {
  (void)set;
  return SUCCESS;
}
int nvmlDeviceRegisterEvents(struct gpu *gpu, unsigned long long types, void *set) {
  (void)types;
  (void)set;
  READ_DEVICE(gpu);
  return SUCCESS;
}
int nvmlDeviceGetSupportedEventTypes(struct gpu *gpu, unsigned long long *types) {
  READ_DEVICE(gpu);
  *types = 0;
  return SUCCESS;
}
int nvmlEventSetWait_v2(void *set, void *event, unsigned milliseconds) {
  (void)set;
  (void)event;
  usleep(milliseconds * 1000);
  return TIMEOUT;
}
int nvmlEventSetWait(void *set, void *event, unsigned milliseconds) {
  return nvmlEventSetWait_v2(set, event, milliseconds);
}
