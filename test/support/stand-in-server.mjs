// Answers on the port given as --grpc-port, but is no Triton. What it says instead is its first argument.
import { createServer as createHttp2 } from 'node:http2'
import { createServer } from 'node:net'

const port = Number(process.argv.find((each) => each.startsWith('--grpc-port='))?.split('=')[1])
const kind = process.env.STAND_IN
console.log(`stand-in: ${kind}`)

/** HTTP/2 whose answers have this content type and body, with grpc-status 0 where it says it is gRPC. */
function answerAll(contentType, body) {
  const server = createHttp2()
  server.on('stream', (stream) => {
    const isGrpc = contentType === 'application/grpc'
    stream.respond({ ':status': 200, 'content-type': contentType }, { waitForTrailers: isGrpc })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(body)
  })
  return server
}

/** One gRPC message that is no protobuf: a field whose length goes beyond its end. */
const nonsense = Buffer.from([0, 0, 0, 0, 3, 0x0a, 0x7f, 0x00])

switch (kind) {
  case 'silent':
    setInterval(() => {}, 1000)
    break
  case 'http1':
    createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(port, '127.0.0.1')
    break
  case 'html':
    answerAll('text/html', '<html>hello</html>').listen(port, '127.0.0.1')
    break
  case 'nonsense':
    answerAll('application/grpc', nonsense).listen(port, '127.0.0.1')
    break
  default:
    throw new Error(`no such stand-in: ${kind}`)
}
