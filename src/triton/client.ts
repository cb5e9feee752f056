import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import type { GrpcAddress, PemFile } from '../domain/endpoint.ts'
import { GateError } from '../domain/error.ts'
import { nsPerMs, nsPerSecond } from '../domain/world.ts'
import {
  GRPCInferenceService,
  type ModelInferRequestSchema,
  type ModelInferResponse,
  type ModelMetadataResponse,
  type ModelStatistics,
  type RepositoryIndexResponse_ModelIndex,
  type ServerMetadataResponse,
} from '../proto/grpc_service_pb.js'
import type { ModelConfig } from '../proto/model_config_pb.js'

/** Control calls are answered from memory by one thread of the server; busy machines get some patience. */
const controlTimeoutNs = 15 * nsPerSecond
/** A first inference may compile kernels. */
const inferTimeoutNs = 120 * nsPerSecond

/** Triton's control plane and single inferences. Every call has a deadline and throws GateError with Triton's own words. */
export interface TritonClient {
  readonly serverLive: (timeoutNs?: number) => Promise<boolean>
  readonly serverReady: (timeoutNs?: number) => Promise<boolean>
  readonly serverMetadata: () => Promise<ServerMetadataResponse>
  /** False also for a model that is not known. */
  readonly modelReady: (name: string) => Promise<boolean>
  readonly modelMetadata: (name: string) => Promise<ModelMetadataResponse>
  /** The resolved configuration, with all that Triton filled in. */
  readonly modelConfig: (name: string) => Promise<ModelConfig>
  /** Of all ready models and versions, or those of one model; cumulative since the load. */
  readonly statistics: (name?: string) => Promise<ModelStatistics[]>
  readonly repositoryIndex: () => Promise<RepositoryIndexResponse_ModelIndex[]>
  /** `configJson` is a whole ModelConfig and replaces the file. loadModel also explains a failure. */
  readonly load: (
    name: string,
    options: { configJson?: string | undefined; timeoutNs: number },
  ) => Promise<void>
  /** Returns before the model is destroyed; unloadModel waits for it. */
  readonly unload: (name: string) => Promise<void>
  readonly infer: (
    request: MessageInitShape<typeof ModelInferRequestSchema>,
    timeoutNs?: number,
  ) => Promise<ModelInferResponse>
  /** `key` is that of shm_open(), with its slash. Triton refuses a name that is taken. */
  readonly registerSystemSharedMemory: (name: string, key: string, byteSize: number) => Promise<void>
  readonly unregisterSystemSharedMemory: (name: string) => Promise<void>
  /** Names of the registered regions, of whomever. */
  readonly systemSharedMemory: () => Promise<string[]>
  readonly close: () => void
}

const methods = GRPCInferenceService.method

export function connectTriton(address: GrpcAddress): TritonClient {
  const channel = new Client(
    `${address.host}:${address.port}`,
    address.tls ? sslCredentials(address) : credentials.createInsecure(),
    {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      // A server that starts is asked often: the default first pause of 1 s would be most of its start.
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 500,
      // A corporate http_proxy must not be asked for a server on this machine.
      'grpc.enable_http_proxy': isLoopback(address.host) ? 0 : 1,
    },
  )

  function call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    timeoutNs: number = controlTimeoutNs,
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      channel.makeUnaryRequest<MessageShape<I>, MessageShape<O>>(
        `/${method.parent.typeName}/${method.name}`,
        (message) => Buffer.from(toBinary(method.input, message)),
        (bytes) => fromBinary(method.output, bytes),
        create(method.input, request),
        metadataOf(address),
        { deadline: Date.now() + timeoutNs / nsPerMs },
        (error, response) => {
          if (error !== null) reject(asTritonError(error, method.name, timeoutNs))
          else if (response === undefined) reject(new GateError('server', `${method.name}: empty answer`))
          else resolve(response)
        },
      )
    })
  }

  return {
    serverLive: async (timeoutNs) => (await call(methods.serverLive, {}, timeoutNs)).live,
    serverReady: async (timeoutNs) => (await call(methods.serverReady, {}, timeoutNs)).ready,
    serverMetadata: () => call(methods.serverMetadata, {}),
    modelReady: async (name) => {
      try {
        return (await call(methods.modelReady, { name })).ready
      } catch (error) {
        // Releases after 26.06 answer NOT_FOUND where the earlier ones say "not ready".
        if (hasStatus(error, status.NOT_FOUND)) return false
        throw error
      }
    },
    modelMetadata: (name) => call(methods.modelMetadata, { name }),
    modelConfig: async (name) => {
      const { config } = await call(methods.modelConfig, { name })
      if (config === undefined) throw new GateError('server', `ModelConfig of ${name}: empty answer`)
      return config
    },
    statistics: async (name) => (await call(methods.modelStatistics, { name: name ?? '' })).modelStats,
    repositoryIndex: async () => (await call(methods.repositoryIndex, {})).models,
    load: async (modelName, { configJson, timeoutNs }) => {
      const config = { parameterChoice: { case: 'stringParam' as const, value: configJson ?? '' } }
      const parameters = configJson === undefined ? {} : { config }
      await call(methods.repositoryModelLoad, { modelName, parameters }, timeoutNs)
    },
    unload: async (modelName) => void (await call(methods.repositoryModelUnload, { modelName })),
    infer: (request, timeoutNs = inferTimeoutNs) => call(methods.modelInfer, request, timeoutNs),
    registerSystemSharedMemory: async (name, key, byteSize) => {
      await call(methods.systemSharedMemoryRegister, { name, key, byteSize: BigInt(byteSize) })
    },
    unregisterSystemSharedMemory: async (name) =>
      void (await call(methods.systemSharedMemoryUnregister, { name })),
    systemSharedMemory: async () => Object.keys((await call(methods.systemSharedMemoryStatus, {})).regions),
    close: () => channel.close(),
  }
}

function sslCredentials({ certificates }: GrpcAddress) {
  const { roots = null, identity = null } = certificates ?? {}
  const bytes = (pem: PemFile | undefined | null) => (pem == null ? null : Buffer.from(pem.text))
  return credentials.createSsl(bytes(roots), bytes(identity?.privateKey), bytes(identity?.chain))
}

function metadataOf({ metadata = {} }: GrpcAddress): Metadata {
  const all = new Metadata()
  for (const [name, value] of Object.entries(metadata)) all.set(name, value)
  return all
}

const isLoopback = (host: string) => host === 'localhost' || host === '::1' || host.startsWith('127.')

/** What says that the server, not the model or the request, is the trouble. */
const serverTrouble: readonly status[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
]

function asTritonError(error: ServiceError, method: string, timeoutNs: number): GateError {
  const code = serverTrouble.includes(error.code) ? 'server' : 'model'
  const text =
    error.code === status.DEADLINE_EXCEEDED
      ? `no answer to ${method} within ${Math.round(timeoutNs / nsPerMs) / 1000} s`
      : error.details.trim() || `${method}: ${error.message}`
  return new GateError(code, text, { cause: error })
}

function hasStatus(error: unknown, code: status): boolean {
  return error instanceof GateError && (error.cause as Partial<ServiceError> | undefined)?.code === code
}
