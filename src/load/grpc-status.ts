import type { Field } from '../http2/hpack.ts'
import type { StreamEnd } from '../http2/stream.ts'

export interface GrpcStatus {
  readonly name: string
  readonly message: string
}

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
function statusName(code: string): string {
  return names[/^\d+$/.test(code) ? Number(code) : -1] ?? 'UNKNOWN'
}

/** `grpc-message` is percent-encoded UTF-8; what is wrongly encoded is shown as it came. */
function statusMessage(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

export const fieldValue = (fields: readonly Field[], name: string) =>
  fields.find((field) => field[0] === name)?.[1]

/** The gRPC status in the headers with which an answer ends; null where they hold none. */
export function statusOf(fields: readonly Field[]): GrpcStatus | null {
  const status = fieldValue(fields, 'grpc-status')
  if (status === undefined) return null
  return { name: statusName(status), message: statusMessage(fieldValue(fields, 'grpc-message') ?? '') }
}

/** What became of a stream that ended without a gRPC status. */
export function fateOf(end: StreamEnd, httpStatus: string | undefined): [failure: string, message: string] {
  switch (end.kind) {
    case 'lost':
      return ['connection', end.reason]
    case 'reset':
      return ['reset', `the server reset the stream with code ${end.code}`]
    case 'ended': {
      const status = httpStatus === undefined ? '' : ` (HTTP status ${httpStatus})`
      return ['UNKNOWN', `the answer ended without grpc-status${status}`]
    }
    default:
      return end satisfies never
  }
}
