import { createRequire as __WEBPACK_EXTERNAL_createRequire } from "module";
var __webpack_exports__ = {};

;// CONCATENATED MODULE: external "node:worker_threads"
const external_node_worker_threads_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:worker_threads");
;// CONCATENATED MODULE: ./src/domain/error.ts
/**
 * The exit codes of the program. Fail closed: whatever is not a judged pass is non-zero, except an
 * inconclusive report where the user's policy is to warn.
 */
const exitCodes = {
    pass: 0,
    fail: 1,
    usage: 2,
    environment: 3,
    inconclusive: 4,
    interrupted: 130,
};
/** Every error code with the exit code it ends the program with. */
const codes = {
    /** A flag, input or argument is wrong. */
    usage: exitCodes.usage,
    /** The configuration file, a config.pbtxt or the model repository is wrong. */
    config: exitCodes.usage,
    /** The server could not be fetched, started, reached or stopped, or it does not answer. */
    server: exitCodes.environment,
    /** A model did not load, or every request to it fails. */
    model: exitCodes.environment,
    /** A baseline or measurement file cannot be used. */
    baseline: exitCodes.environment,
    /** The machine lacks something: Python, disk space, a port, a writable folder, git. */
    environment: exitCodes.environment,
    /** GitHub refused or did not answer. */
    github: exitCodes.environment,
    /** Stopped by a signal. */
    interrupted: exitCodes.interrupted,
    /** A defect of this program. */
    internal: exitCodes.environment,
};
/** The one error class: what happened, what to do about it, and how the program ends. */
class GateError extends Error {
    code;
    hint;
    problems;
    constructor(code, message, options = {}) {
        super(message, options.cause === undefined ? undefined : { cause: options.cause });
        this.name = 'GateError';
        this.code = code;
        this.hint = options.hint;
        this.problems = options.problems ?? [];
    }
    get exitCode() {
        return codes[this.code];
    }
}
/** What anything that was thrown says of itself. */
function messageOf(error) {
    return error instanceof Error ? error.message : String(error);
}
/** `error` as a GateError: anything unforeseen is `internal`, never a pass. */
function asGateError(error) {
    if (error instanceof GateError)
        return error;
    return new GateError('internal', messageOf(error), {
        cause: error,
        hint: 'This is a defect of triton-perf-gate: please report it with the output of --verbose.',
    });
}
/** The error as lines for a terminal or log: message, problems with their place, hint. */
function describeError(error) {
    const lines = [`error: ${error.message}`];
    for (const problem of error.problems) {
        const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(':');
        const key = problem.key === undefined || problem.key === '' ? '' : `${problem.key}: `;
        lines.push(`  ${place === '' ? '' : `${place}: `}${key}${problem.message}`);
        if (problem.remedy !== undefined)
            lines.push(`    → ${problem.remedy}`);
    }
    if (error.hint !== undefined)
        lines.push(`hint: ${error.hint}`);
    return lines.join('\n');
}

;// CONCATENATED MODULE: ./src/load/clock.ts
/**
 * ns on this thread's monotonic clock, with a fraction. A double, since process.hrtime.bigint() allocates;
 * its steps stay below 2 ns for three months. Threads have different zeros: hrtimeOf() translates.
 */
function nowNs() {
    return performance.now() * 1e6;
}
/** A time of nowNs() on the clock that all threads of the process share. */
function hrtimeOf(atNs) {
    return zeroHrtimeNs + BigInt(Math.round(atNs));
}
/** The reverse of hrtimeOf(). */
function fromHrtime(hrtimeNs) {
    return Number(hrtimeNs - zeroHrtimeNs);
}
/** Resolves not before `atNs`, and as little after it as the event loop allows. */
async function until(atNs) {
    const sleepMs = Math.floor((atNs - nowNs()) / 1e6 - 1);
    if (sleepMs >= 1)
        await new Promise((resolve) => setTimeout(resolve, sleepMs));
    while (nowNs() < atNs)
        await new Promise(setImmediate);
}
/** Both clocks are CLOCK_MONOTONIC with a fixed distance; of several readings the one that nothing came between. */
const zeroHrtimeNs = Array.from({ length: 8 }, () => {
    const before = process.hrtime.bigint();
    const atNs = nowNs();
    const spanNs = process.hrtime.bigint() - before;
    return { spanNs, zeroNs: before + spanNs / 2n - BigInt(Math.round(atNs)) };
}).reduce((best, each) => (each.spanNs < best.spanNs ? each : best)).zeroNs;

;// CONCATENATED MODULE: ./src/load/closed-loop.ts

/**
 * Keeps `concurrency` requests outstanding, dealt evenly over the connections: each answer sends the next
 * request on its own connection. A connection that cannot be had is a failed request of each that waits for
 * it, at every attempt. Resolves when the recorder has had enough and nothing is outstanding.
 */
function runClosedLoop(connections, concurrency, recorder) {
    return new Promise((resolve) => {
        let outstanding = concurrency;
        const next = (connection) => {
            const atNs = nowNs();
            if (!recorder.goesOn(atNs)) {
                connection.stop?.();
                if (--outstanding === 0)
                    resolve();
            }
            else if (connection.ready) {
                recorder.send(connection, atNs, () => next(connection));
            }
            else {
                connection.whenSettled(() => {
                    if (!connection.ready)
                        recorder.fail(nowNs(), 'connection', connection.lastError);
                    next(connection);
                });
            }
        };
        for (let index = 0; index < concurrency; index++)
            next(connections[index % connections.length] ?? connections[0]);
    });
}

;// CONCATENATED MODULE: external "node:http2"
const external_node_http2_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:http2");
;// CONCATENATED MODULE: ./src/domain/endpoint.ts
/** As node:tls takes them. */
function tlsOptions({ certificates }) {
    const { roots = null, identity = null } = certificates ?? {};
    return {
        ...(roots === null ? {} : { ca: roots.text }),
        ...(identity === null ? {} : { key: identity.privateKey.text, cert: identity.chain.text }),
    };
}

;// CONCATENATED MODULE: ./src/load/grpc-status.ts
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
];
/** The name of a `grpc-status` value; UNKNOWN for what is none. */
function statusName(code) {
    return names[/^\d+$/.test(code) ? Number(code) : -1] ?? 'UNKNOWN';
}
/** `grpc-message` is percent-encoded UTF-8; what is wrongly encoded is shown as it came. */
function statusMessage(encoded) {
    try {
        return decodeURIComponent(encoded);
    }
    catch {
        return encoded;
    }
}

;// CONCATENATED MODULE: ./src/load/protobuf-fields.ts
/**
 * Calls with the number and value of each field of a protobuf message: bytes as a view, a varint as a number, null for
 * fixed-width ones.
 * @throws RangeError where the bytes are no message
 */
function eachField(message, onField) {
    const reader = new VarintReader(message);
    while (reader.at < message.length) {
        const tag = reader.next();
        const number = Math.floor(tag / 8);
        switch (tag % 8) {
            case 0:
                onField(number, reader.next());
                break;
            case 1:
                reader.at += 8;
                onField(number, null);
                break;
            case 2: {
                const length = reader.next();
                const start = reader.at;
                if (start + length > message.length)
                    throw new RangeError('a message that ends within a field');
                onField(number, message.subarray(start, start + length));
                reader.at = start + length;
                break;
            }
            case 5:
                reader.at += 4;
                onField(number, null);
                break;
            default:
                throw new RangeError(`wire type ${tag % 8}`);
        }
    }
}
/** The numbers of a packed field, exact to 2^53. @throws RangeError where the last one is cut off */
function packedVarints(bytes) {
    const reader = new VarintReader(bytes);
    const values = [];
    while (reader.at < bytes.length)
        values.push(reader.next());
    return values;
}
class VarintReader {
    at = 0;
    #bytes;
    constructor(bytes) {
        this.#bytes = bytes;
    }
    next() {
        let value = 0;
        for (let factor = 1;; factor *= 0x80) {
            const byte = this.#bytes[this.at++];
            if (byte === undefined)
                throw new RangeError('a message that ends within a field');
            value += (byte & 0x7f) * factor;
            if (byte < 0x80)
                return value;
        }
    }
}

;// CONCATENATED MODULE: ./src/load/stream-response.ts

const framePrefixBytes = 5;
/** Puts gRPC messages together from the chunks of a stream. */
class MessageReader {
    #chunks = [];
    #bytes = 0;
    /** The messages that are whole with this chunk, in order. @throws RangeError for a compressed one, which nobody asked for */
    push(chunk) {
        this.#chunks.push(chunk);
        this.#bytes += chunk.length;
        const messages = [];
        for (;;) {
            const end = this.#nextEnd();
            if (end === null || this.#bytes < end)
                return messages;
            const [whole = Buffer.alloc(0)] = this.#chunks.length === 1 ? this.#chunks : [Buffer.concat(this.#chunks)];
            messages.push(whole.subarray(framePrefixBytes, end));
            const rest = whole.subarray(end);
            this.#chunks = rest.length === 0 ? [] : [rest];
            this.#bytes = rest.length;
        }
    }
    /** Where the first message ends, prefix included; null before its prefix is here. */
    #nextEnd() {
        if (this.#bytes < framePrefixBytes)
            return null;
        if ((this.#chunks[0]?.length ?? 0) < framePrefixBytes)
            this.#chunks = [Buffer.concat(this.#chunks)];
        const [first] = this.#chunks;
        if (first === undefined)
            return null;
        if (first[0] !== 0)
            throw new RangeError('a compressed message');
        return framePrefixBytes + first.readUInt32BE(1);
    }
}
/** The one message of a unary answer. @throws RangeError where it is compressed, or not one whole message */
function onlyMessage(chunks) {
    const reader = new MessageReader();
    const messages = chunks.flatMap((chunk) => reader.push(chunk));
    const [message] = messages;
    if (message === undefined || messages.length > 1)
        throw new RangeError(`${messages.length} messages instead of one`);
    return message;
}
/**
 * Reads id, error and final marker, without copying the outputs (grpc_service.proto: ModelStreamInferResponse,
 * ModelInferResponse, InferParameter).
 * @throws RangeError where the bytes are no such message
 */
function readStreamResponse(message) {
    let error = null;
    let response = Buffer.alloc(0);
    eachField(message, (number, value) => {
        if (number === 1 && value instanceof Buffer && value.length > 0)
            error = value.toString();
        else if (number === 2 && value instanceof Buffer)
            response = value;
    });
    let requestId = '';
    let final = null;
    let hasData = false;
    eachField(response, (number, value) => {
        if (!(value instanceof Buffer))
            return;
        if (number === 3)
            requestId = value.toString();
        else if (number === 4)
            final = readFinal(value) ?? final;
        else if (number === 5 || number === 6)
            hasData = true;
    });
    return { requestId, error, final, hasData, response };
}
/** The value of a `triton_final_response` entry of the parameters; null for any other entry. */
function readFinal(entry) {
    let key = '';
    let flag = false;
    eachField(entry, (number, value) => {
        if (!(value instanceof Buffer))
            return;
        if (number === 1)
            key = value.toString();
        else if (number === 2)
            eachField(value, (choice, bool) => {
                if (choice === 1)
                    flag = bool === 1;
            });
    });
    return key === 'triton_final_response' ? flag : null;
}

;// CONCATENATED MODULE: ./src/load/connection.ts





/** A pause between attempts to connect: a server that is gone must not be hammered, one that is back is soon found. */
const restMs = 50;
/** Longer than a TCP and TLS handshake across the world; ends an attempt that nobody answers. */
const connectTimeoutMs = 5000;
/**
 * Room for large outputs. HTTP/2's default of 65 535 bytes would make each of them wait for window updates,
 * and so measure this client. A stream's room, and a connection's that is shared by several streams.
 */
const streamWindowBytes = 16 * 1024 * 1024;
const connectionWindowBytes = 4 * streamWindowBytes;
/** MB. Node refuses streams beyond its default of 10 MB, which few large requests in flight reach. */
const maxSessionMemory = 4096;
/**
 * Streams at a time where the peer sets no lower limit. Against an overloaded server an open loop would
 * otherwise pile up streams until memory ends. What is above waits here, its latency running from its due time.
 */
const maxStreams = 4096;
const uint32Max = 2 ** 32 - 1;
const service = '/inference.GRPCInferenceService';
/** A gRPC response has at least the frame prefix of its one message. */
const minResponseBytes = 5;
/** One HTTP/2 connection to a target, connected again when it is lost. */
class Connection {
    /** Why the last attempt failed or the connection was lost. */
    lastError = '';
    #url;
    #tls;
    #headers;
    #state = 'idle';
    #session = null;
    #readySinceNs = 0;
    #streamLimit = maxStreams;
    #active = 0;
    #waiting = [];
    constructor(target) {
        const host = target.host.includes(':') ? `[${target.host}]` : target.host;
        this.#url = `${target.tls ? 'https' : 'http'}://${host}:${target.port}`;
        this.#tls = tlsOptions(target);
        this.#headers = {
            ':method': 'POST',
            ':path': `${service}/ModelInfer`,
            'content-type': 'application/grpc',
            te: 'trailers',
            ...target.metadata,
        };
    }
    get ready() {
        return (this.#state === 'ready' && this.#session !== null && !this.#session.closed && !this.#session.destroyed);
    }
    /** The last attempt failed and the next is not yet made. */
    get resting() {
        return this.#state === 'resting';
    }
    get hasRoom() {
        return this.#active < this.#streamLimit;
    }
    /** As the peer set it, at most 4096. */
    get streamLimit() {
        return this.#streamLimit;
    }
    /** Calls back once when this is ready or the next attempt to be has failed; connects if nothing else does. */
    whenSettled(callback) {
        this.#waiting.push(callback);
        this.wake();
    }
    /** Connects unless it is connected, connecting or resting. */
    wake() {
        if (this.#state === 'ready' && !this.ready && this.#session !== null)
            this.#lost(this.#session);
        if (this.#state === 'idle')
            this.#connect();
        else if (this.#state === 'ready' || this.#state === 'closed')
            this.#settle();
    }
    close() {
        this.#state = 'closed';
        this.#session?.destroy();
        this.#settle();
    }
    /**
     * Sends one request. Only to be called while `ready`. Returns how to give it up: nothing is called back then.
     * Latency runs until the trailers (or headers of an answer without a body) that carry `grpc-status` are here.
     */
    send({ frame, check }, onEnd) {
        const session = this.#session;
        if (session === null)
            throw new Error('send() on a connection that is not ready');
        const stream = session.request(this.#headers);
        let open = true;
        let responseBytes = 0;
        const chunks = [];
        let httpStatus;
        this.#active++;
        const end = (failure, message) => {
            if (!open)
                return;
            open = false;
            this.#active--;
            // An answer before the request has been read leaves the stream half open: it must not take up room.
            if (failure !== null && !stream.writableFinished)
                stream.close(external_node_http2_namespaceObject.constants.NGHTTP2_CANCEL);
            const endNs = nowNs();
            if (failure !== null || check === null)
                onEnd(failure, message, endNs);
            else
                onEnd(null, '', endNs, () => check(() => onlyMessage(chunks)));
        };
        const judge = (headers) => {
            const status = statusOf(headers);
            if (status === null)
                return;
            if (status.name !== 'OK')
                end(status.name, status.message);
            else if (responseBytes >= minResponseBytes)
                end(null, '');
            else
                end('INTERNAL', 'status OK without a response message');
        };
        stream.on('response', (headers) => {
            httpStatus = headers[':status'];
            judge(headers);
        });
        stream.on('data', (chunk) => {
            responseBytes += chunk.length;
            if (check !== null)
                chunks.push(chunk);
        });
        stream.on('trailers', judge);
        // 'close' follows and tells what became of it.
        stream.on('error', () => undefined);
        stream.on('close', () => {
            if (open)
                end(...lostStream(session, stream, httpStatus, this.lastError));
        });
        stream.end(frame);
        return () => {
            if (!open)
                return;
            open = false;
            this.#active--;
            stream.close(external_node_http2_namespaceObject.constants.NGHTTP2_CANCEL);
        };
    }
    /** Opens a bidirectional call. Only to be called while `ready`. It takes up room until it is closed. */
    openStream(method) {
        const session = this.#session;
        if (session === null)
            throw new Error('openStream() on a connection that is not ready');
        const stream = session.request({ ...this.#headers, ':path': `${service}/${method}` });
        let httpStatus;
        this.#active++;
        stream.once('response', (headers) => {
            httpStatus = headers[':status'];
        });
        stream.once('close', () => this.#active--);
        return { stream, fate: () => lostStream(session, stream, httpStatus, this.lastError) };
    }
    #connect() {
        this.#state = 'connecting';
        this.lastError = '';
        const session = (0,external_node_http2_namespaceObject.connect)(this.#url, {
            ...this.#tls,
            maxSessionMemory,
            // As if the peer had set it: it holds only until the peer sets its own.
            peerMaxConcurrentStreams: uint32Max,
            settings: { enablePush: false, initialWindowSize: streamWindowBytes },
        });
        this.#session = session;
        const timeout = setTimeout(() => {
            const asked = this.#url.startsWith('https') && this.#tls.cert === undefined;
            this.lastError ||=
                `no HTTP/2 answer within ${connectTimeoutMs / 1000} s` +
                    (asked ? '; does it ask for a client certificate?' : '');
            session.destroy();
            // Node does not close a session whose TLS handshake the server has broken off.
            this.#lost(session);
        }, connectTimeoutMs);
        session.on('remoteSettings', (settings) => {
            this.#streamLimit = Math.min(maxStreams, settings.maxConcurrentStreams ?? maxStreams);
            if (this.#session !== session || this.#state !== 'connecting')
                return;
            clearTimeout(timeout);
            session.setLocalWindowSize(connectionWindowBytes);
            this.#state = 'ready';
            this.#readySinceNs = nowNs();
            this.#settle();
        });
        session.on('error', (error) => {
            this.lastError = error.code === undefined ? error.message : `${error.code}: ${error.message}`;
        });
        session.on('goaway', (code) => {
            this.lastError = `the server sent GOAWAY with code ${code}`;
            this.#lost(session);
        });
        session.on('close', () => {
            clearTimeout(timeout);
            this.#lost(session);
        });
    }
    #lost(session) {
        if (this.#session !== session || this.#state === 'closed')
            return;
        this.#session = null;
        const lived = this.#state === 'ready' && nowNs() - this.#readySinceNs > restMs * 1e6;
        if (lived) {
            this.#state = 'idle';
            if (this.#waiting.length > 0)
                this.#connect();
            return;
        }
        this.#state = 'resting';
        setTimeout(() => {
            if (this.#state !== 'resting')
                return;
            this.#state = 'idle';
            if (this.#waiting.length > 0)
                this.#connect();
        }, restMs);
        this.#settle();
    }
    #settle() {
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const callback of waiting)
            callback();
    }
}
/** The gRPC status in headers or trailers; null where they hold none. */
function statusOf(headers) {
    const status = headers['grpc-status'];
    if (typeof status !== 'string')
        return null;
    return { name: statusName(status), message: statusMessage(String(headers['grpc-message'] ?? '')) };
}
/** What became of a stream that closed without a gRPC status. */
function lostStream(session, stream, httpStatus, lastError) {
    if (session.destroyed || session.closed)
        return ['connection', lastError || 'the connection was closed'];
    if (stream.rstCode !== external_node_http2_namespaceObject.constants.NGHTTP2_NO_ERROR)
        return ['reset', `the server reset the stream with code ${stream.rstCode}`];
    const status = httpStatus === undefined ? '' : ` (HTTP status ${httpStatus})`;
    return ['UNKNOWN', `the answer ended without grpc-status${status}`];
}

;// CONCATENATED MODULE: ./src/load/open-loop.ts

/**
 * Timers of Node fire up to 1 ms (busy machines: several) after their time. So it sleeps to 1 ms before the
 * next request is due and spins the event loop from there: at 500 requests/s and more it never sleeps.
 */
const spinMs = 1;
/** How often a dispatcher that has to wait for room or a connection looks again if no answer wakes it. */
const blockedMs = 1;
/**
 * Sends each request when it is due, whatever became of the earlier ones; the latency runs from the due time
 * (no coordinated omission). A due request waits while there is no room on any connection, until its deadline;
 * where no connection can be had it has failed. Resolves when the recorder has had enough and nothing is outstanding.
 */
function runOpenLoop(connections, nextDueNs, recorder, deadlineNs) {
    return new Promise((resolve) => {
        let dueNs = nextDueNs();
        let blocked = false;
        let armed = false;
        let finished = false;
        let turn = 0;
        /** The next connection in turn that takes a request now. */
        const pick = () => {
            for (let tried = 0; tried < connections.length; tried++) {
                const connection = connections[turn++ % connections.length];
                if (connection?.ready === true && connection.hasRoom)
                    return connection;
                connection?.wake();
            }
            return undefined;
        };
        const onEnd = () => {
            if (finished) {
                if (recorder.inFlight === 0)
                    resolve();
            }
            else if (blocked) {
                dispatch();
            }
        };
        const dispatch = () => {
            blocked = false;
            while (!finished && dueNs <= nowNs()) {
                if (!recorder.goesOn(dueNs)) {
                    finished = true;
                    for (const each of connections)
                        each.stop?.();
                    if (recorder.inFlight === 0)
                        resolve();
                    return;
                }
                const connection = pick();
                if (connection !== undefined)
                    recorder.send(connection, dueNs, onEnd);
                else if (connections.every((each) => each.resting)) {
                    recorder.fail(dueNs, 'connection', connections[0]?.lastError ?? '');
                }
                else if (nowNs() - dueNs > deadlineNs) {
                    recorder.fail(dueNs, 'deadline', 'the request could not be sent in time');
                }
                else {
                    blocked = true;
                    break;
                }
                dueNs = nextDueNs();
            }
            arm();
        };
        const arm = () => {
            if (armed || finished)
                return;
            armed = true;
            const fire = () => {
                armed = false;
                dispatch();
            };
            const sleepMs = blocked ? blockedMs : Math.floor((dueNs - nowNs()) / 1e6 - spinMs);
            if (sleepMs >= 1)
                setTimeout(fire, sleepMs);
            else
                setImmediate(fire);
        };
        dispatch();
    });
}

;// CONCATENATED MODULE: ./src/load/infer-response.ts

/**
 * The outputs of a ModelInferResponse (grpc_service.proto), without copying them.
 * @throws RangeError where the bytes are no such message
 */
function readOutputs(message) {
    const outputs = [];
    const raw = [];
    eachField(message, (number, value) => {
        if (!(value instanceof Buffer))
            return;
        if (number === 5)
            outputs.push(readOutput(value));
        else if (number === 6)
            raw.push(value);
    });
    return outputs.map((output, index) => ({ ...output, data: raw[index] ?? null }));
}
/** Name and shape of an InferOutputTensor. */
function readOutput(message) {
    let name = '';
    const shape = [];
    eachField(message, (number, value) => {
        if (number === 1 && value instanceof Buffer)
            name = value.toString();
        else if (number === 3 && value instanceof Buffer)
            shape.push(...packedVarints(value));
        else if (number === 3 && typeof value === 'number')
            shape.push(value);
    });
    return { name, shape };
}

;// CONCATENATED MODULE: ./src/load/output-check.ts

/** One for each frame of a target; null where nothing is known of the answers to it. */
function answerChecks(check, frames) {
    switch (check?.kind) {
        case undefined:
            return [];
        case 'given':
            return check.outputs.map((expected) => expected === null ? null : (message) => reading(message, (outputs) => difference(expected, outputs)));
        case 'first':
            return Array.from({ length: frames }, asTheFirst);
        default:
            return check;
    }
}
function asTheFirst() {
    let first = null;
    return (message) => reading(message, (outputs) => {
        if (first !== null)
            return difference(first, outputs);
        const unread = outputs.find(({ data }) => data === null);
        if (unread !== undefined)
            return notRaw(unread.name);
        // Copies: a view would keep whatever else came in the same chunk.
        first = outputs.map(({ name, shape, data }) => ({ name, shape, data: Buffer.from(data ?? []) }));
        return null;
    });
}
function reading(message, judge) {
    try {
        return judge(readOutputs(message()));
    }
    catch (error) {
        if (!(error instanceof RangeError))
            throw error;
        return `the answer cannot be read: ${error.message}`;
    }
}
const notRaw = (name) => `output '${name}' did not come as raw bytes and cannot be compared`;
function difference(expected, outputs) {
    for (const { name, shape, data } of expected) {
        const output = outputs.find((each) => each.name === name);
        if (output === undefined)
            return `output '${name}' is missing`;
        if (output.shape.join() !== shape.join())
            return `output '${name}' has shape [${output.shape.join(', ')}], expected is [${shape.join(', ')}]`;
        if (output.data === null)
            return notRaw(name);
        if (output.data.length !== data.length)
            return `output '${name}' has ${output.data.length} bytes, expected are ${data.length}`;
        if (output.data.equals(data))
            continue;
        const at = data.findIndex((byte, index) => output.data?.[index] !== byte);
        return `output '${name}' differs at byte ${at} of ${data.length}: ${output.data[at]}, expected is ${data[at]}`;
    }
    return null;
}

;// CONCATENATED MODULE: ./src/load/tally.ts
/** Bytes of the memory that the threads of one run share: requests, whether prolonged, and the common end. */
const byteLength = 16;
function tallyMemory() {
    return new SharedArrayBuffer(byteLength);
}
/**
 * What the threads of one run agree on while a window is prolonged until it holds enough requests: how many it
 * holds, and when it ended, as the first thread that saw it says.
 */
class Tally {
    #counts;
    #endHrtimeNs;
    constructor(memory) {
        this.#counts = new Int32Array(memory, 0, 2);
        this.#endHrtimeNs = new BigInt64Array(memory, 8, 1);
    }
    get requests() {
        return Atomics.load(this.#counts, 0);
    }
    get prolonged() {
        return Atomics.load(this.#counts, 1) === 1;
    }
    countRequest(prolonging) {
        Atomics.add(this.#counts, 0, 1);
        if (prolonging)
            Atomics.store(this.#counts, 1, 1);
    }
    /** null until a thread has set it. */
    get endHrtimeNs() {
        const end = Atomics.load(this.#endHrtimeNs, 0);
        return end === 0n ? null : end;
    }
    /** The end that holds: this one, or the one that another thread set before. */
    agreeOnEnd(hrtimeNs) {
        const before = Atomics.compareExchange(this.#endHrtimeNs, 0, 0n, hrtimeNs);
        return before === 0n ? hrtimeNs : before;
    }
}

;// CONCATENATED MODULE: ./src/load/phases.ts


/**
 * Lead-in → window → lead-out, by times alone: whoever calls tells what time it is. The window is half-open,
 * [startNs, endNs), so that a completion that ends it is not counted in it.
 */
class Phases {
    #counted;
    #startNs;
    #plannedEndNs;
    #limitNs;
    #minRequests;
    #onOpen;
    #onClose;
    #endNs = null;
    #opened = false;
    #hasRequests = false;
    #tally;
    /** @param startNs when the lead-in begins @param tally shared with the other threads of the run */
    constructor(startNs, options, onOpen, onClose, tally = new Tally(tallyMemory())) {
        this.#counted = options.requestCount !== undefined;
        const durationNs = this.#counted ? Number.POSITIVE_INFINITY : options.durationNs;
        this.#startNs = this.#counted ? startNs : startNs + options.leadInNs;
        this.#plannedEndNs = this.#startNs + durationNs;
        this.#limitNs = this.#startNs + Math.max(durationNs, options.maxDurationNs ?? durationNs);
        this.#minRequests = options.minRequests ?? 0;
        this.#onOpen = onOpen;
        this.#onClose = onClose;
        this.#tally = tally;
    }
    get startNs() {
        return this.#startNs;
    }
    /** null until the window has ended. */
    get endNs() {
        return this.#endNs;
    }
    /** The phase at `atNs`, after opening or closing the window if it is time. Must be told of every event, in order. */
    at(atNs) {
        if (atNs < this.#startNs)
            return 'leadIn';
        if (!this.#opened) {
            this.#opened = true;
            this.#onOpen();
        }
        if (this.#endNs === null) {
            if (!this.#isOver(atNs))
                return 'window';
            this.#endNs = this.#agreedEnd(atNs);
            this.#onClose();
        }
        // In an open loop a request can still be due inside a window that has ended.
        return atNs < this.#endNs ? 'window' : 'leadOut';
    }
    /** A request of the window was sent (due) at `atNs`. */
    countRequest(atNs) {
        if (this.#counted && !this.#hasRequests)
            this.#startNs = atNs;
        this.#hasRequests = true;
        if (this.#minRequests > 0)
            this.#tally.countRequest(atNs >= this.#plannedEndNs);
    }
    /** A number of requests has been sent and has ended, the last one at `atNs`. */
    finish(atNs) {
        if (!this.#counted || this.#endNs !== null)
            return;
        // Without any request it is empty, but no length of zero: rates are made from it.
        this.#endNs = Math.max(atNs, this.#startNs + 1);
        this.#onClose();
    }
    /** Whether something that happened at `atNs` lies in the window. */
    includes(atNs) {
        return atNs >= this.#startNs && (this.#endNs === null || atNs < this.#endNs);
    }
    #isOver(atNs) {
        if (atNs < this.#plannedEndNs)
            return false;
        return this.#tally.requests >= this.#minRequests || atNs >= this.#limitNs;
    }
    #agreedEnd(atNs) {
        if (this.#minRequests === 0)
            return this.#plannedEndNs;
        const prolonged = this.#tally.prolonged || this.#tally.requests < this.#minRequests;
        const ownNs = prolonged ? Math.min(atNs, this.#limitNs) : this.#plannedEndNs;
        const own = hrtimeOf(ownNs);
        const agreed = this.#tally.agreeOnEnd(own);
        return agreed === own ? ownNs : fromHrtime(agreed);
    }
}

;// CONCATENATED MODULE: ./src/load/growing-array.ts
const initialCapacity = 4096;
/** Numbers at 8 bytes each, for the hot path: nothing is allocated for most of them. */
class GrowingArray {
    #values = new Float64Array(initialCapacity);
    #count = 0;
    push(value) {
        if (this.#count === this.#values.length) {
            const grown = new Float64Array(2 * this.#values.length);
            grown.set(this.#values);
            this.#values = grown;
        }
        this.#values[this.#count++] = value;
    }
    /** A copy, in the order in which they came. */
    toArray() {
        return this.#values.slice(0, this.#count);
    }
}

;// CONCATENATED MODULE: ./src/load/share.ts
/** Its part of a whole number: all get the floor, the first ones one more. */
function partOf(total, { index, of }) {
    return Math.floor(total / of) + (index < total % of ? 1 : 0);
}
/** Every `of`-th value from the `index`-th on, so that the threads together deal one sequence round robin. */
function dealt(next, { index, of }) {
    let skip = index;
    return () => {
        for (; skip > 0; skip--)
            next();
        skip = of - 1;
        return next();
    };
}

;// CONCATENATED MODULE: ./src/load/recorder.ts



/** A request sent more than this after it was due is late, as in perf_analyzer. */
const lateNs = 1e6;
/** Sends the requests of one run and keeps what became of them. */
class Recorder {
    #completed = 0;
    #issued = 0;
    /** Requests of the window; those of them that were sent late, and that were sent before it ended. */
    #requests = 0;
    #late = 0;
    #inTime = 0;
    #firstFailure = null;
    #failures = {};
    #phases;
    #outgoing;
    #share;
    #leadOutNs;
    /** This thread's, where their number and not time ends the load. */
    #requestCount;
    #deadlineNs;
    #responses;
    #sends;
    #logger;
    /** In the order of sending, so the oldest is first. */
    #flights = new Set();
    #windowFlights = 0;
    #lastEndNs = 0;
    #latencies = new GrowingArray();
    constructor(phases, outgoing, share, { leadInNs, requestCount }, deadlineNs, { responses = null, sends = null, logger = null }) {
        this.#phases = phases;
        this.#responses = responses;
        this.#outgoing = outgoing;
        this.#sends = sends;
        this.#logger = logger;
        this.#share = share;
        this.#leadOutNs = leadInNs;
        this.#requestCount = requestCount === undefined ? null : partOf(requestCount, share);
        this.#deadlineNs = deadlineNs;
    }
    /** When the last request so far ended, however. */
    get lastEndNs() {
        return this.#lastEndNs;
    }
    get inFlight() {
        return this.#flights.size;
    }
    /**
     * Whether a request may (in an open loop: must) be sent at `atNs`. After the window the load is held up
     * while requests of the window are out, or their last ones would run on an emptying server: for as long as
     * the lead-in at most.
     */
    goesOn(atNs) {
        if (this.#requestCount !== null)
            return this.#requests < this.#requestCount;
        if (this.#phases.at(atNs) !== 'leadOut')
            return true;
        const endNs = this.#phases.endNs ?? atNs;
        return this.#windowFlights > 0 && atNs < endNs + this.#leadOutNs;
    }
    /** Sends one; its latency counts from `originNs`. `onEnd` comes right at its end, before it is written down. */
    send(connection, originNs, onEnd) {
        const phase = this.#admit(originNs);
        const request = this.#outgoing[(this.#share.index + this.#issued * this.#share.of) % this.#outgoing.length];
        if (request === undefined)
            throw new RangeError('a target without frames');
        this.#issued++;
        const sentNs = nowNs();
        const flight = { originNs, sentNs, phase, onEnd, responsesNs: [], cancel: () => undefined };
        this.#flights.add(flight);
        if (phase === 'window') {
            if (sentNs - originNs > lateNs)
                this.#late++;
            if (this.#phases.at(sentNs) === 'window')
                this.#inTime++;
            this.#windowFlights++;
        }
        const ended = (failure, message, endNs, wrongOutput) => {
            this.#land(flight);
            this.#phases.at(endNs);
            onEnd();
            const wrong = wrongOutput?.() ?? null;
            if (wrong === null)
                this.#record(flight, failure, message, endNs);
            else
                this.#record(flight, 'wrong_output', wrong, endNs);
        };
        const responses = this.#responses;
        if (responses === null) {
            flight.cancel = connection.send(request, ended);
            return;
        }
        flight.cancel = connection.send(request, ended, (atNs) => {
            this.#phases.at(atNs);
            responses.arrived(atNs);
            flight.responsesNs.push(atNs);
        });
    }
    /** A request that could not even be sent. */
    fail(originNs, failure, message) {
        if (this.#admit(originNs) === 'window')
            this.#fail(failure, message);
        this.#lastEndNs = nowNs();
        this.#logger?.add(originNs, Number.NaN, this.#lastEndNs, failure);
    }
    /** Gives up what has been under way for longer than the deadline. */
    expire(atNs) {
        for (const flight of this.#flights) {
            if (atNs - flight.originNs < this.#deadlineNs)
                return;
            flight.cancel();
            this.#land(flight);
            flight.onEnd();
            this.#record(flight, 'deadline', `no answer within ${this.#deadlineNs / 1e9} s`, atNs);
        }
    }
    report() {
        return {
            latenciesNs: this.#latencies.toArray().sort(),
            completed: this.#completed,
            issued: this.#issued,
            requests: this.#requests,
            late: this.#late,
            inTime: this.#inTime,
            failures: this.#failures,
            firstFailure: this.#firstFailure,
        };
    }
    #admit(originNs) {
        const phase = this.#phases.at(originNs);
        if (phase === 'window') {
            this.#phases.countRequest(originNs);
            this.#requests++;
        }
        return phase;
    }
    #land(flight) {
        this.#flights.delete(flight);
        if (flight.phase === 'window')
            this.#windowFlights--;
    }
    #record(flight, failure, message, endNs) {
        this.#lastEndNs = endNs;
        this.#logger?.add(flight.originNs, flight.sentNs, endNs, failure);
        if (failure === null) {
            if (this.#phases.includes(endNs))
                this.#completed++;
            if (flight.phase === 'window') {
                this.#latencies.push(Math.round(endNs - flight.originNs));
                this.#sends?.add(flight.originNs, flight.sentNs, endNs);
                this.#responses?.add(flight.originNs, flight.responsesNs);
            }
        }
        else if (flight.phase === 'window') {
            this.#fail(failure, message);
        }
    }
    #fail(failure, message) {
        this.#failures[failure] = (this.#failures[failure] ?? 0) + 1;
        this.#firstFailure ??= message === '' ? failure : `${failure}: ${message}`;
    }
}

;// CONCATENATED MODULE: ./src/load/request-log.ts

/** Collects it during a run, on the thread's own clock. */
class RequestLogger {
    #dueNs = new GrowingArray();
    #sentNs = new GrowingArray();
    #endNs = new GrowingArray();
    #failure = new GrowingArray();
    #failures = [];
    add(dueNs, sentNs, endNs, failure) {
        this.#dueNs.push(dueNs);
        this.#sentNs.push(sentNs);
        this.#endNs.push(endNs);
        this.#failure.push(failure === null ? -1 : this.#indexOf(failure));
    }
    /** @param windowStartNs on the thread's clock */
    report(windowStartNs) {
        const fromStart = (times) => times.toArray().map((atNs) => Math.round(atNs - windowStartNs));
        return {
            dueNs: fromStart(this.#dueNs),
            sentNs: fromStart(this.#sentNs),
            endNs: fromStart(this.#endNs),
            failure: this.#failure.toArray(),
            failures: this.#failures,
        };
    }
    #indexOf(failure) {
        const index = this.#failures.indexOf(failure);
        return index >= 0 ? index : this.#failures.push(failure) - 1;
    }
}
/** What the threads of a run logged, as one; undefined where they were not asked to. */
function mergeLogs(reports, startHrtimeNs) {
    const given = reports.flatMap(({ startHrtimeNs: own, log }) => log === undefined ? [] : [{ log, laterNs: Number(own - startHrtimeNs) }]);
    if (given.length === 0)
        return undefined;
    const failures = [...new Set(given.flatMap(({ log }) => log.failures))];
    const times = (of) => Float64Array.from(given.flatMap(({ log, laterNs }) => Array.from(log[of], (atNs) => atNs + laterNs)));
    return {
        dueNs: times('dueNs'),
        sentNs: times('sentNs'),
        endNs: times('endNs'),
        failure: Float64Array.from(given.flatMap(({ log }) => Array.from(log.failure, (index) => failures.indexOf(log.failures[index] ?? '')))),
        failures,
    };
}

;// CONCATENATED MODULE: ./src/load/response-times.ts

/** Collects them during a run. */
class ResponseTimes {
    #phases;
    #firstNs = [];
    #gapsNs = [];
    #count = 0;
    constructor(phases) {
        this.#phases = phases;
    }
    arrived(atNs) {
        if (this.#phases.includes(atNs))
            this.#count++;
    }
    /** A successful request of the window, with the times of its responses. */
    add(originNs, responsesNs) {
        let previousNs = originNs;
        for (const [index, atNs] of responsesNs.entries()) {
            ;
            (index === 0 ? this.#firstNs : this.#gapsNs).push(Math.round(atNs - previousNs));
            previousNs = atNs;
        }
    }
    report() {
        return {
            firstNs: Float64Array.from(this.#firstNs).sort(),
            gapsNs: Float64Array.from(this.#gapsNs).sort(),
            count: this.#count,
        };
    }
}
/** What the threads of a run, or several windows, collected. Undefined where none did. */
function mergeResponses(reports) {
    const given = reports.flatMap(({ responses }) => responses ?? []);
    if (given.length === 0)
        return undefined;
    return {
        firstNs: mergeSorted(given.map(({ firstNs }) => firstNs)),
        gapsNs: mergeSorted(given.map(({ gapsNs }) => gapsNs)),
        count: given.reduce((sum, { count }) => sum + count, 0),
    };
}

;// CONCATENATED MODULE: ./src/stats/random.ts
/** A generator seeded with an integer from 0 to 2^53 − 1. */
function createRandom(seed) {
    const next = sfc32(seed);
    const uniform = () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
    const integer = (bound) => Math.floor(uniform() * bound);
    return {
        uniform,
        integer,
        // Box–Muller; 1 − u is never zero, so the logarithm is finite.
        normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
        exponential: () => -Math.log(1 - uniform()),
        shuffle: (items) => {
            const shuffled = [...items];
            for (let last = shuffled.length - 1; last > 0; last--) {
                const other = integer(last + 1);
                const [a, b] = [shuffled[last], shuffled[other]];
                shuffled[last] = b;
                shuffled[other] = a;
            }
            return shuffled;
        },
    };
}
/**
 * Chris Doty-Humphrey's small fast counting generator, 32 bit (PractRand): passes PractRand and BigCrush,
 * and needs no 64-bit integers. Returns signed or unsigned 32 bits; the callers shift without sign.
 */
function sfc32(seed) {
    let a = 0;
    let b = seed | 0;
    let c = Math.floor(seed / 2 ** 32) | 0;
    let counter = 1;
    const next = () => {
        const result = (a + b + counter) | 0;
        counter = (counter + 1) | 0;
        a = b ^ (b >>> 9);
        b = (c + (c << 3)) | 0;
        c = (((c << 21) | (c >>> 11)) + result) | 0;
        return result;
    };
    // PractRand's seeding discards the first 12 to 18 results, until each bit of the seed has spread.
    for (let round = 0; round < 18; round++)
        next();
    return next;
}

;// CONCATENATED MODULE: ./src/load/schedule.ts

/**
 * The times at which requests of an open loop are due, one per call, ascending from `startNs`: every
 * 1/rate, or with exponential gaps of that mean (a Poisson process), the same for the same seed. Times are
 * absolute, so that a late request does not put off the next ones.
 */
function dueTimes(load, startNs, seed) {
    const periodNs = 1e9 / load.requestRate;
    if (load.distribution === 'poisson') {
        const random = createRandom(seed);
        let dueNs = startNs;
        return () => {
            dueNs += random.exponential() * periodNs;
            return dueNs;
        };
    }
    let index = 0;
    // By multiplication: adding a rounded period up would drift.
    return () => startNs + index++ * periodNs;
}

;// CONCATENATED MODULE: ./src/load/send-times.ts


/** Collects them during a run. */
class SendTimes {
    #serviceNs = new GrowingArray();
    #lagNs = new GrowingArray();
    add(dueNs, sentNs, endNs) {
        this.#serviceNs.push(Math.round(endNs - sentNs));
        this.#lagNs.push(Math.round(sentNs - dueNs));
    }
    report() {
        return { serviceNs: this.#serviceNs.toArray().sort(), lagNs: this.#lagNs.toArray().sort() };
    }
}
/** What the threads of a run, or several windows, collected. Undefined where none did: in a closed loop. */
function mergeSends(reports) {
    const given = reports.flatMap(({ sends }) => sends ?? []);
    if (given.length === 0)
        return undefined;
    return {
        serviceNs: mergeSorted(given.map(({ serviceNs }) => serviceNs)),
        lagNs: mergeSorted(given.map(({ lagNs }) => lagNs)),
    };
}

;// CONCATENATED MODULE: ./src/load/request-suffix.ts
/** Field numbers and wire types of ModelInferRequest and InferParameter (grpc_service.proto). */
const tags = { id: 0x1a, parameters: 0x22, key: 0x0a, value: 0x12, bool: 0x08, int64: 0x10, string: 0x1a };
const request_suffix_framePrefixBytes = 5;
/**
 * The fields in which one request differs from the next with the same inputs. The fields of a protobuf message may come
 * in any order, so they are put after a message that was encoded once; the load thread needs no protobuf for it.
 */
function encodeSuffix({ requestId, sequence, emptyFinalResponse }) {
    const bytes = [];
    if (requestId !== undefined)
        pushText(bytes, tags.id, requestId);
    if (sequence !== undefined) {
        pushParameter(bytes, 'sequence_id', sequence.id);
        if (sequence.start)
            pushParameter(bytes, 'sequence_start', true);
        if (sequence.end)
            pushParameter(bytes, 'sequence_end', true);
    }
    if (emptyFinalResponse === true)
        pushParameter(bytes, 'triton_enable_empty_final_response', true);
    return Buffer.from(bytes);
}
/**
 * One gRPC frame of an encoded request and its suffix. A copy, since the frame without suffix is shared by all requests
 * that are on their way: the kernel copies as much again.
 */
function withSuffix(frame, suffix) {
    const whole = Buffer.allocUnsafe(frame.length + suffix.length);
    whole.set(frame);
    whole.set(suffix, frame.length);
    whole.writeUInt32BE(whole.length - request_suffix_framePrefixBytes, 1);
    return whole;
}
function pushParameter(bytes, name, value) {
    const entry = [];
    pushText(entry, tags.key, name);
    const choice = [];
    if (typeof value === 'string')
        pushText(choice, tags.string, value);
    else if (typeof value === 'boolean')
        choice.push(tags.bool, value ? 1 : 0);
    else {
        choice.push(tags.int64);
        pushVarint(choice, value);
    }
    entry.push(tags.value);
    pushVarint(entry, choice.length);
    for (const byte of choice)
        entry.push(byte);
    bytes.push(tags.parameters);
    pushVarint(bytes, entry.length);
    for (const byte of entry)
        bytes.push(byte);
}
function pushText(bytes, tag, text) {
    const encoded = Buffer.from(text);
    bytes.push(tag);
    pushVarint(bytes, encoded.length);
    for (const byte of encoded)
        bytes.push(byte);
}
/** A non-negative safe integer. */
function pushVarint(bytes, value) {
    let rest = value;
    while (rest >= 0x80) {
        bytes.push((rest % 0x80) + 0x80);
        rest = Math.floor(rest / 0x80);
    }
    bytes.push(rest);
}

;// CONCATENATED MODULE: ./src/load/sequence-sender.ts

/**
 * One live sequence after the other, as a connection that the drivers send through: it puts into each request which
 * one of its sequence it is. In a closed loop each outstanding request is one such slot.
 */
class SequenceSender {
    /** Requests sent only to end a sequence early, which no driver knows of. */
    closings = 0;
    #through;
    #source;
    #requests;
    #serial;
    #live = null;
    #begun = 0;
    #outstanding = 0;
    #stopped = false;
    #closing = 0;
    #onClosed = null;
    constructor(through, source, requests, serial) {
        this.#through = through;
        this.#source = source;
        this.#requests = requests;
        this.#serial = serial;
    }
    get ready() {
        return this.#through.ready;
    }
    get resting() {
        return this.#through.resting;
    }
    get hasRoom() {
        return this.#serial && this.#outstanding > 0 ? false : this.#through.hasRoom;
    }
    get lastError() {
        return this.#through.lastError;
    }
    whenSettled(callback) {
        this.#through.whenSettled(callback);
    }
    wake() {
        this.#through.wake();
    }
    /** Sends the next request of the sequence, or the first of the next one; the request is the sequence's own, whatever is given. */
    send(_request, onEnd, onResponse) {
        const live = this.#live ?? this.#begin();
        const end = live.sent + 1 >= live.sequence.length;
        const request = this.#request(live, end);
        this.#outstanding++;
        const landed = (failed) => {
            this.#outstanding--;
            if (end)
                live.sequence.release();
            else if (failed)
                this.#breakOff(live);
            if (this.#stopped)
                this.#endLive();
        };
        const cancel = this.#through.send(request, (failure, message, endNs, wrongOutput) => {
            landed(failure !== null);
            onEnd(failure, message, endNs, wrongOutput);
        }, onResponse);
        return () => {
            landed(true);
            cancel();
        };
    }
    /**
     * Ends the live sequence, behind what is under way of it. At once, not when all others have stopped too: they may be
     * waiting in the server for the slot that this one holds.
     */
    stop() {
        this.#stopped = true;
        this.#endLive();
    }
    /** Waits until the sequences that were ended early are gone from the server, for `patienceMs` at most. */
    async finish(patienceMs) {
        if (this.#closing === 0)
            return;
        await new Promise((resolve) => {
            const timer = setTimeout(resolve, patienceMs);
            this.#onClosed = () => {
                clearTimeout(timer);
                resolve();
            };
        });
    }
    #endLive() {
        if (this.#outstanding === 0 && this.#live !== null)
            this.#breakOff(this.#live);
    }
    #begin() {
        this.#live = { sequence: this.#source.begin(this.#begun++ === 0), sent: 0, over: false };
        return this.#live;
    }
    #request(live, end) {
        const { id, frameOf } = live.sequence;
        const request = this.#requests[frameOf(live.sent)];
        if (request === undefined)
            throw new RangeError('a target without frames');
        const suffix = encodeSuffix({ sequence: { id, start: live.sent === 0, end } });
        live.sent++;
        if (end) {
            live.over = true;
            this.#live = null;
        }
        return { frame: withSuffix(request.frame, suffix), check: request.check };
    }
    /**
     * Ends a sequence before its time with one more request, as perf_analyzer does: the server would keep its state and its slot
     * until max_sequence_idle_microseconds. What becomes of that request is nobody's measurement.
     */
    #breakOff(live) {
        if (live.over)
            return;
        if (!this.#through.ready) {
            live.over = true;
            this.#live = null;
            live.sequence.release();
            return;
        }
        const request = this.#request(live, true);
        this.closings++;
        this.#closing++;
        this.#through.send(request, () => {
            live.sequence.release();
            if (--this.#closing === 0)
                this.#onClosed?.();
        });
    }
}

;// CONCATENATED MODULE: ./src/load/sequences.ts


/** Correlation ids, never one that is still live. Threads share a server and so deal the range among them. */
class SequenceIds {
    #plan;
    #share;
    #own;
    #live = new Set();
    #next = 0;
    constructor(plan, share) {
        this.#plan = plan;
        this.#share = share;
        this.#own = partOf(plan.ids, share);
    }
    /** @throws RangeError where all are live */
    take() {
        for (let tried = 0; tried < this.#own; tried++) {
            const id = this.#plan.firstId + this.#share.index + this.#next * this.#share.of;
            this.#next = (this.#next + 1) % this.#own;
            if (this.#live.has(id))
                continue;
            this.#live.add(id);
            return id;
        }
        throw new RangeError(`all ${this.#own} correlation ids are live`);
    }
    release(id) {
        this.#live.delete(id);
    }
}
/** Makes the sequences of one run: the same for the same seed, so that two sides get the same. */
class SequenceSource {
    #plan;
    #share;
    #ids;
    #frames;
    #random;
    #firstFrames;
    #made = 0;
    constructor(plan, share, ids, frames, seed) {
        this.#plan = plan;
        this.#share = share;
        this.#ids = ids;
        this.#frames = frames;
        this.#random = createRandom(seed * share.of + share.index);
        this.#firstFrames = (plan.streams ?? []).map((_, index, all) => sum(all.slice(0, index)));
    }
    /**
     * The next sequence. The `first` of each slot is cut to a random length: under steady load the sequences that are
     * live when one begins to look are anywhere between start and end, and a short window would see only their starts.
     */
    begin(first) {
        const number = this.#share.index + this.#made++ * this.#share.of;
        const stream = this.#plan.streams === null ? null : number % this.#plan.streams.length;
        const steps = stream === null ? this.#frames : (this.#plan.streams?.[stream] ?? 1);
        const offset = stream === null ? number : 0;
        const firstFrame = stream === null ? 0 : (this.#firstFrames[stream] ?? 0);
        const whole = this.#lengthOf(steps);
        const id = this.#ids.take();
        return {
            id: this.#plan.idType === 'string' ? String(id) : id,
            length: first ? 1 + this.#random.integer(whole) : whole,
            frameOf: (n) => firstFrame + ((offset + n) % steps),
            release: () => this.#ids.release(id),
        };
    }
    #lengthOf(steps) {
        const { length, lengthVariation } = this.#plan;
        if (length === null)
            return steps;
        const least = Math.max(1, Math.ceil(length * (1 - lengthVariation)));
        const most = Math.max(least, Math.floor(length * (1 + lengthVariation)));
        return least + this.#random.integer(most - least + 1);
    }
}
function sum(values) {
    return values.reduce((total, value) => total + value, 0);
}

;// CONCATENATED MODULE: ./src/load/stream-connection.ts





/** Triton's answer to a streamed request that failed has a message and no status: this is gRPC's name for that. */
const noStatus = 'UNKNOWN';
/** A ModelInferResponse for a request that was answered with nothing. */
const noOutputs = Buffer.alloc(0);
/**
 * Sends requests over ModelStreamInfer. Each outstanding request has a stream for itself, which the next one takes over:
 * Triton answers the requests of one stream to a model that is not decoupled in their order, so that those that
 * share one would wait for each other.
 */
class StreamConnection {
    #connection;
    #decoupled;
    #idle = [];
    /** The only lane, where requests must arrive in their order. */
    #ordered;
    #shared = null;
    #lastId = 0;
    /** @param options `ordered`: all requests go over one stream, in their order */
    constructor(connection, options) {
        this.#connection = connection;
        this.#decoupled = options.decoupled;
        this.#ordered = options.ordered ?? false;
    }
    get ready() {
        return this.#connection.ready;
    }
    get resting() {
        return this.#connection.resting;
    }
    get hasRoom() {
        return this.#idle.length > 0 || this.#shared !== null || this.#connection.hasRoom;
    }
    get lastError() {
        return this.#connection.lastError;
    }
    whenSettled(callback) {
        this.#connection.whenSettled(callback);
    }
    wake() {
        this.#connection.wake();
    }
    /**
     * Ends with the final response. Latency runs until the last response with data, or until the final one where there was
     * none: a model may answer a request with nothing.
     */
    send({ frame, check }, onEnd, onResponse) {
        const lane = this.#takeLane();
        const requestId = String(++this.#lastId);
        lane.pending.set(requestId, { onEnd, onResponse, lastNs: null, check, answer: null, error: null });
        lane.stream.write(withSuffix(frame, encodeSuffix({ requestId, emptyFinalResponse: this.#decoupled })));
        return () => {
            if (!lane.pending.delete(requestId))
                return;
            // Ends the request on the server too; a stream that carries others as well only forgets it.
            if (lane.pending.size === 0)
                this.#drop(lane);
        };
    }
    /** Ends its streams; the connection stays. */
    close() {
        for (const lane of [...this.#idle.splice(0), ...(this.#shared === null ? [] : [this.#shared])])
            lane.stream.end();
        this.#shared = null;
    }
    #takeLane() {
        if (this.#ordered) {
            if (this.#shared?.usable !== true)
                this.#shared = this.#openLane();
            return this.#shared;
        }
        for (;;) {
            const lane = this.#idle.pop();
            if (lane === undefined)
                return this.#openLane();
            // Its session may be closing (GOAWAY): what is under way there may end, nothing new may begin.
            if (lane.usable && lane.stream.session?.closed === false)
                return lane;
            lane.stream.end();
        }
    }
    #openLane() {
        const opened = this.#connection.openStream('ModelStreamInfer');
        const { stream } = opened;
        const lane = { stream, pending: new Map(), usable: true };
        const reader = new MessageReader();
        let status = null;
        const judge = (headers) => {
            status = statusOf(headers) ?? status;
        };
        stream.on('response', judge);
        stream.on('trailers', judge);
        stream.on('data', (chunk) => {
            const atNs = nowNs();
            try {
                for (const message of reader.push(chunk))
                    this.#receive(lane, readStreamResponse(message), atNs);
            }
            catch (error) {
                if (!(error instanceof RangeError))
                    throw error;
                this.#drop(lane);
                this.#failAll(lane, 'INTERNAL', `the response cannot be read: ${error.message}`);
            }
        });
        // 'close' follows and tells what became of it.
        stream.on('error', () => undefined);
        stream.on('close', () => {
            lane.usable = false;
            this.#failAll(lane, ...whyClosed(status, opened));
        });
        return lane;
    }
    #receive(lane, message, atNs) {
        const { requestId, error, final, hasData, response } = message;
        // An error may come without the id of its request.
        const [oldest = ''] = requestId === '' ? lane.pending.keys() : [];
        const id = requestId === '' ? oldest : requestId;
        const pending = lane.pending.get(id);
        // Late, after it was given up.
        if (pending === undefined)
            return;
        if (error !== null)
            pending.error ??= error;
        else if (hasData) {
            pending.lastNs = atNs;
            if (pending.check !== null)
                pending.answer ??= response;
            pending.onResponse?.(atNs);
        }
        const over = this.#decoupled ? final === true || (error !== null && final === null) : true;
        if (!over)
            return;
        lane.pending.delete(id);
        if (lane.usable && lane.pending.size === 0 && !this.#ordered)
            this.#idle.push(lane);
        const { check, answer } = pending;
        const wrongOutput = check === null ? undefined : () => check(() => answer ?? noOutputs);
        if (pending.error === null)
            pending.onEnd(null, '', pending.lastNs ?? atNs, wrongOutput);
        else
            pending.onEnd(noStatus, pending.error, atNs);
    }
    #drop(lane) {
        lane.usable = false;
        lane.stream.close(external_node_http2_namespaceObject.constants.NGHTTP2_CANCEL);
    }
    #failAll(lane, failure, message) {
        const atNs = nowNs();
        const pending = [...lane.pending.values()];
        lane.pending.clear();
        for (const { onEnd } of pending)
            onEnd(failure, message, atNs);
    }
}
function whyClosed(status, { fate }) {
    if (status === null)
        return fate();
    return status.name === 'OK'
        ? ['UNKNOWN', 'the server ended the stream before it had answered']
        : [status.name, status.message];
}

;// CONCATENATED MODULE: ./src/load/senders.ts




function makeLine(target, connection) {
    const sender = target.streaming === undefined ? connection : new StreamConnection(connection, target.streaming);
    return { connection, sender };
}
/**
 * The senders of a run: the connections or their streams, or, for a model with sequences, one for each live sequence: as
 * many as the closed loop's concurrency, or as the plan says for an open loop.
 */
function sendersOf(target, lines, load, share, ids, requests, seed) {
    const plan = target.sequences;
    if (plan === undefined || ids === null) {
        const [first, ...others] = lines;
        const senders = [first.sender, ...others.map((line) => line.sender)];
        return { senders, finish: () => Promise.resolve(0) };
    }
    const source = new SequenceSource(plan, share, ids, requests.length, seed);
    const closed = load.mode === 'concurrency';
    // Unary requests may overtake each other, and a sequence's must not.
    const { streaming } = target;
    const serial = closed || plan.serial || streaming === undefined;
    const ordered = [];
    const slot = (index) => {
        const line = lines[index % lines.length] ?? lines[0];
        if (serial)
            return new SequenceSender(line.sender, source, requests, true);
        const own = new StreamConnection(line.connection, { ...streaming, ordered: true });
        ordered.push(own);
        return new SequenceSender(own, source, requests, false);
    };
    const count = Math.max(1, partOf(closed ? load.concurrency : plan.live, share));
    const slots = [
        slot(0),
        ...Array.from({ length: count - 1 }, (_, index) => slot(index + 1)),
    ];
    return {
        senders: slots,
        finish: async () => {
            await Promise.all(slots.map((each) => each.finish(target.deadlineNs / 1e6)));
            for (const each of ordered)
                each.close();
            return slots.reduce((total, { closings }) => total + closings, 0);
        },
    };
}

;// CONCATENATED MODULE: external "node:perf_hooks"
const external_node_perf_hooks_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:perf_hooks");
;// CONCATENATED MODULE: ./src/load/thread-probe.ts


/** Node's default; the histogram holds whole intervals, so this is taken off again. */
const resolutionMs = 10;
/** Watches its own load thread during the window. */
class ThreadProbe {
    #delay = (0,external_node_perf_hooks_namespaceObject.monitorEventLoopDelay)({ resolution: resolutionMs });
    #collector = new external_node_perf_hooks_namespaceObject.PerformanceObserver((list) => {
        for (const entry of list.getEntries())
            this.#countPause(entry);
    });
    #utilization = external_node_perf_hooks_namespaceObject.performance.eventLoopUtilization();
    #cpuNs = 0;
    #busyShare = 0;
    #beatNs = 0;
    #gapNs = 0;
    #closedNs = Number.POSITIVE_INFINITY;
    #gcPauseNs = 0;
    #gcPauseMaxNs = 0;
    open() {
        this.#collector.observe({ entryTypes: ['gc'] });
        this.#utilization = external_node_perf_hooks_namespaceObject.performance.eventLoopUtilization();
        this.#cpuNs = cpuTimeNs();
        this.#delay.enable();
        this.#beatNs = nowNs();
    }
    /** To be called at short intervals: the longest time between two calls is the gap. */
    beat() {
        if (this.#beatNs === 0)
            return;
        const atNs = nowNs();
        this.#gapNs = Math.max(this.#gapNs, atNs - this.#beatNs);
        this.#beatNs = atNs;
    }
    close() {
        this.#busyShare = external_node_perf_hooks_namespaceObject.performance.eventLoopUtilization(this.#utilization).utilization;
        this.#cpuNs = cpuTimeNs() - this.#cpuNs;
        this.#delay.disable();
        this.beat();
        this.#beatNs = 0;
        this.#closedNs = nowNs();
    }
    async report() {
        // Node hands entries over in a later turn of the event loop, and to the observer in one after that.
        for (let turn = 0; turn < 3; turn++)
            await new Promise(setImmediate);
        this.#collector.disconnect();
        const delayNs = this.#delay.count === 0 ? 0 : this.#delay.percentile(99) - resolutionMs * 1e6;
        return {
            cpuNs: this.#cpuNs,
            health: {
                eventLoopUtilization: this.#busyShare,
                eventLoopDelayP99Ns: Math.max(0, Math.round(delayNs)),
                eventLoopGapNs: Math.round(this.#gapNs),
                gcPauseNs: Math.round(this.#gcPauseNs),
                gcPauseMaxNs: Math.round(this.#gcPauseMaxNs),
            },
        };
    }
    #countPause({ startTime, duration }) {
        if (startTime * 1e6 >= this.#closedNs)
            return;
        const pauseNs = duration * 1e6;
        this.#gcPauseNs += pauseNs;
        this.#gcPauseMaxNs = Math.max(this.#gcPauseMaxNs, pauseNs);
    }
}
/** User and system time of this thread; before Node 23.9 of the whole process, an upper bound. */
function cpuTimeNs() {
    const ofThread = process.threadCpuUsage;
    const usage = ofThread?.() ?? process.cpuUsage();
    return (usage.user + usage.system) * 1000;
}

;// CONCATENATED MODULE: ./src/load/worker.ts
// The load thread: nothing else runs here, so that nothing else is in the latencies. Imports no protobuf,
// no gRPC library and no schema code.


















/** How often deadlines and the edges of the window are looked at when no request ends. */
const tickMs = 10;
const targets = new Map();
let running = false;
const port = external_node_worker_threads_namespaceObject.parentPort;
if (port === null)
    throw new Error('the load worker runs in a worker thread only');
port.on('message', ({ id, command }) => {
    obey(command).then((report) => {
        const reply = { id, ok: true, report };
        port.postMessage(reply, report === null ? [] : buffersOf(report));
    }, (cause) => {
        const { code, message, hint } = asGateError(cause);
        port.postMessage({ id, ok: false, code, message, hint });
    });
});
/** Handed over instead of copied. */
function buffersOf({ latenciesNs, responses, sends, log }) {
    const arrays = [
        latenciesNs,
        ...(responses === undefined ? [] : [responses.firstNs, responses.gapsNs]),
        ...(sends === undefined ? [] : [sends.serviceNs, sends.lagNs]),
        ...(log === undefined ? [] : [log.dueNs, log.sentNs, log.endNs, log.failure]),
    ];
    return arrays.map(({ buffer }) => buffer);
}
async function obey(command) {
    switch (command.kind) {
        case 'open':
            await worker_open(command.target, command.share);
            return null;
        case 'run':
            return run(command);
        case 'closeTarget':
            worker_close(command.targetId);
            return null;
        default:
            return command;
    }
}
async function worker_open(target, share) {
    if (targets.has(target.id))
        throw new GateError('internal', `load target '${target.id}' is already open`);
    const line = () => makeLine(target, new Connection(target));
    const lines = [
        line(),
        ...Array.from({ length: partOf(target.connections, share) - 1 }, line),
    ];
    const connections = lines.map(({ connection }) => connection);
    await Promise.all(connections.map((each) => new Promise((resolve) => each.whenSettled(resolve))));
    const failed = connections.find((each) => !each.ready);
    if (failed !== undefined) {
        for (const each of connections)
            each.close();
        throw new GateError('server', `cannot connect to ${target.host}:${target.port}: ${failed.lastError}`, {
            hint: 'The port must be that of gRPC (8001 by default, not 8000 for HTTP or 8002 for metrics).',
        });
    }
    const checks = answerChecks(target.check, target.frames.length);
    const requests = target.frames.map((frame, index) => ({
        frame: Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength),
        check: checks[index] ?? null,
    }));
    const ids = target.sequences === undefined ? null : new SequenceIds(target.sequences, share);
    targets.set(target.id, { target, share, lines, ids, requests });
}
function worker_close(targetId) {
    for (const { connection } of targets.get(targetId)?.lines ?? [])
        connection.close();
    targets.delete(targetId);
}
async function run(command) {
    const { targetId, load } = command;
    const open = targets.get(targetId);
    if (open === undefined)
        throw new GateError('internal', `load target '${targetId}' is not open`);
    if (running)
        throw new GateError('internal', 'two windows at a time would measure each other');
    if (load.mode === 'concurrency')
        checkStreamLimit(open, load.concurrency);
    running = true;
    try {
        return await measure(open, command);
    }
    finally {
        running = false;
    }
}
async function measure(open, { load, options, muster }) {
    const { target, share, lines, ids, requests } = open;
    const probe = new ThreadProbe();
    // Alone it starts when it is told; with others when all do.
    const startNs = share.of === 1 ? nowNs() : fromHrtime(muster.startHrtimeNs);
    const phases = new Phases(startNs, options, () => probe.open(), () => probe.close(), new Tally(muster.tally));
    const responses = target.streaming?.decoupled === true ? new ResponseTimes(phases) : null;
    const logger = options.requestLog === true ? new RequestLogger() : null;
    const sends = load.mode === 'requestRate' ? new SendTimes() : null;
    const recorder = new Recorder(phases, requests, share, options, target.deadlineNs, {
        responses,
        sends,
        logger,
    });
    const run = sendersOf(target, lines, load, share, ids, requests, muster.seed);
    let closings = 0;
    await until(startNs);
    const ticker = setInterval(() => {
        const atNs = nowNs();
        phases.at(atNs);
        recorder.expire(atNs);
        probe.beat();
    }, tickMs);
    try {
        await drive(load, startNs, muster.seed, run.senders, share, recorder, target);
        closings = await run.finish();
    }
    finally {
        clearInterval(ticker);
    }
    phases.finish(recorder.lastEndNs);
    const endNs = phases.endNs;
    if (endNs === null)
        throw new GateError('internal', 'the load ended before its window');
    const report = recorder.report();
    return {
        startHrtimeNs: hrtimeOf(phases.startNs),
        durationNs: Math.round(endNs - phases.startNs),
        ...report,
        issued: report.issued + closings,
        ...(responses === null ? {} : { responses: responses.report() }),
        ...(sends === null ? {} : { sends: sends.report() }),
        ...(logger === null ? {} : { log: logger.report(phases.startNs) }),
        ...(await probe.report()),
    };
}
/** This thread's share of a load, to its end. */
function drive(load, startNs, seed, connections, share, recorder, target) {
    switch (load.mode) {
        case 'concurrency':
            return runClosedLoop(connections, partOf(load.concurrency, share), recorder);
        case 'requestRate': {
            const nextDueNs = dealt(dueTimes(load, startNs, seed), share);
            return runOpenLoop(connections, nextDueNs, recorder, target.deadlineNs);
        }
        default:
            return load;
    }
}
/** HTTP/2 would queue the streams above the peer's limit here, unseen: the concurrency would not be what it says. */
function checkStreamLimit({ target, share, lines }, concurrency) {
    const most = Math.ceil(partOf(concurrency, share) / lines.length);
    const limit = Math.min(...lines.map(({ connection }) => connection.streamLimit));
    if (most <= limit)
        return;
    throw new GateError('server', `${target.host}:${target.port} takes ${limit} concurrent streams per connection; concurrency ${concurrency} ` +
        `over ${target.connections} connection(s) needs ${most}`, { hint: 'Lower the concurrency, or raise the limit of the proxy in front of the server.' });
}

