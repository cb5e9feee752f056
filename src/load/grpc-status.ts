/** gRPC's status codes in the order of their numbers (grpc/doc/statuscodes.md). */
const names = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]

/** The name of a `grpc-status` value; UNKNOWN for what is none. */
export function statusName(code: string): string {
  return names[/^\d+$/.test(code) ? Number(code) : -1] ?? 'UNKNOWN'
}

/** `grpc-message` is percent-encoded UTF-8; what is wrongly encoded is shown as it came. */
export function statusMessage(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}
