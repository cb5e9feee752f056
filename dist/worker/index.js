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

;// CONCATENATED MODULE: external "node:perf_hooks"
const external_node_perf_hooks_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:perf_hooks");
;// CONCATENATED MODULE: ./src/load/client-health.ts

/** Node's default; the histogram holds whole intervals, so this is taken off again. */
const resolutionMs = 10;
/**
 * Above this share of busy time a closed loop measures its client. Busy is normal (a fast model is answered
 * by sending the next request), so the limit is where answers begin to queue up here: at 90 % a request waits
 * for the loop nine times as long as it is served by it (M/M/1), and the loop, not the server, sets the throughput.
 */
const maxUtilization = 0.9;
/**
 * Above this share of late requests an open loop is not the load that was asked for. Not the 1 % at which
 * perf_analyzer warns: a window of 250 ms at 100 requests/s holds 25, so that one preemption would be
 * 4 %, while a client that cannot keep up is late with nearly all.
 */
const maxLateRatio = 0.1;
/** Watches the instrument itself during the window. */
class ClientHealthProbe {
    #delay = (0,external_node_perf_hooks_namespaceObject.monitorEventLoopDelay)({ resolution: resolutionMs });
    #utilization = external_node_perf_hooks_namespaceObject.performance.eventLoopUtilization();
    #cpuNs = cpuTimeNs();
    #spentCpuNs = 0;
    #busyShare = 0;
    open() {
        this.#utilization = external_node_perf_hooks_namespaceObject.performance.eventLoopUtilization();
        this.#cpuNs = cpuTimeNs();
        this.#delay.enable();
    }
    close() {
        this.#busyShare = external_node_perf_hooks_namespaceObject.performance.eventLoopUtilization(this.#utilization).utilization;
        this.#spentCpuNs = cpuTimeNs() - this.#cpuNs;
        this.#delay.disable();
    }
    report(mode, counts) {
        const lateRatio = mode === 'requestRate' ? counts.late / Math.max(1, counts.requests) : 0;
        // An open loop spins while it waits for a due time: it is busy by design, so lateness alone tells.
        const saturated = mode === 'requestRate' ? lateRatio > maxLateRatio : this.#busyShare > maxUtilization;
        const delayNs = this.#delay.count === 0 ? 0 : this.#delay.percentile(99) - resolutionMs * 1e6;
        return {
            eventLoopUtilization: this.#busyShare,
            eventLoopDelayP99Ns: Math.max(0, Math.round(delayNs)),
            cpuNsPerRequest: Math.round(this.#spentCpuNs / Math.max(1, counts.completed)),
            lateRatio,
            saturated,
        };
    }
}
/** User and system time of this thread; before Node 23.9 of the whole process, an upper bound. */
function cpuTimeNs() {
    const ofThread = process.threadCpuUsage;
    const usage = ofThread?.() ?? process.cpuUsage();
    return (usage.user + usage.system) * 1000;
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
    return process.hrtime.bigint() - BigInt(Math.round(nowNs() - atNs));
}

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
/** A gRPC response has at least the frame prefix of its one message. */
const minResponseBytes = 5;
/** One HTTP/2 connection to a target, connected again when it is lost. */
class Connection {
    /** Why the last attempt failed or the connection was lost. */
    lastError = '';
    #url;
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
        this.#headers = {
            ':method': 'POST',
            ':path': '/inference.GRPCInferenceService/ModelInfer',
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
    send(frame, onEnd) {
        const session = this.#session;
        if (session === null)
            throw new Error('send() on a connection that is not ready');
        const stream = session.request(this.#headers);
        let open = true;
        let responseBytes = 0;
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
            onEnd(failure, message, nowNs());
        };
        const judge = (headers) => {
            const status = headers['grpc-status'];
            if (status === '0') {
                if (responseBytes >= minResponseBytes)
                    end(null, '');
                else
                    end('INTERNAL', 'status OK without a response message');
            }
            else if (typeof status === 'string') {
                end(statusName(status), statusMessage(String(headers['grpc-message'] ?? '')));
            }
        };
        stream.on('response', (headers) => {
            httpStatus = headers[':status'];
            judge(headers);
        });
        stream.on('data', (chunk) => {
            responseBytes += chunk.length;
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
    #connect() {
        this.#state = 'connecting';
        const session = (0,external_node_http2_namespaceObject.connect)(this.#url, {
            maxSessionMemory,
            // As if the peer had set it: it holds only until the peer sets its own.
            peerMaxConcurrentStreams: uint32Max,
            settings: { enablePush: false, initialWindowSize: streamWindowBytes },
        });
        this.#session = session;
        const timeout = setTimeout(() => {
            session.destroy(new Error(`no HTTP/2 answer within ${connectTimeoutMs / 1000} s`));
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

;// CONCATENATED MODULE: ./src/load/phases.ts
/**
 * Lead-in → window → lead-out, by times alone: whoever calls tells what time it is. The window is half-open,
 * [startNs, endNs), so that a completion that ends it is not counted in it.
 */
class Phases {
    startNs;
    #plannedEndNs;
    #limitNs;
    #minRequests;
    #onOpen;
    #onClose;
    #endNs = null;
    #opened = false;
    #requests = 0;
    #lastRequestNs = 0;
    constructor(nowNs, options, onOpen, onClose) {
        this.startNs = nowNs + options.leadInNs;
        this.#plannedEndNs = this.startNs + options.durationNs;
        this.#limitNs = this.startNs + Math.max(options.durationNs, options.maxDurationNs ?? options.durationNs);
        this.#minRequests = options.minRequests ?? 0;
        this.#onOpen = onOpen;
        this.#onClose = onClose;
    }
    /** null until the window has ended. */
    get endNs() {
        return this.#endNs;
    }
    /** The phase at `atNs`, after opening or closing the window if it is time. Must be told of every event, in order. */
    at(atNs) {
        if (atNs < this.startNs)
            return 'leadIn';
        if (!this.#opened) {
            this.#opened = true;
            this.#onOpen();
        }
        if (this.#endNs === null) {
            const wanting = this.#requests < this.#minRequests && atNs < this.#limitNs;
            if (atNs < this.#plannedEndNs || wanting)
                return 'window';
            const prolonged = this.#lastRequestNs >= this.#plannedEndNs || this.#requests < this.#minRequests;
            this.#endNs = prolonged ? Math.min(atNs, this.#limitNs) : this.#plannedEndNs;
            this.#onClose();
        }
        // In an open loop a request can still be due inside a window that has ended.
        return atNs < this.#endNs ? 'window' : 'leadOut';
    }
    /** A request of the window was sent (due) at `atNs`. */
    countRequest(atNs) {
        this.#requests++;
        this.#lastRequestNs = Math.max(this.#lastRequestNs, atNs);
    }
    /** Whether something that happened at `atNs` lies in the window. */
    includes(atNs) {
        return atNs >= this.startNs && (this.#endNs === null || atNs < this.#endNs);
    }
}

;// CONCATENATED MODULE: ./src/load/recorder.ts

/** A request sent more than this after it was due is late, as in perf_analyzer. */
const lateNs = 1e6;
const initialCapacity = 4096;
/** Sends the requests of one run and keeps what became of them. */
class Recorder {
    completed = 0;
    issued = 0;
    /** Requests of the window, and those of them that were sent late. */
    requests = 0;
    late = 0;
    firstFailure = null;
    failures = {};
    #phases;
    #frames;
    #leadOutNs;
    #deadlineNs;
    /** In the order of sending, so the oldest is first. */
    #flights = new Set();
    #windowFlights = 0;
    #latencies = new Float64Array(initialCapacity);
    #count = 0;
    constructor(phases, frames, leadOutNs, deadlineNs) {
        this.#phases = phases;
        this.#frames = frames;
        this.#leadOutNs = leadOutNs;
        this.#deadlineNs = deadlineNs;
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
        if (this.#phases.at(atNs) !== 'leadOut')
            return true;
        const endNs = this.#phases.endNs ?? atNs;
        return this.#windowFlights > 0 && atNs < endNs + this.#leadOutNs;
    }
    /** Sends one; its latency counts from `originNs`. `onEnd` comes right at its end, before it is written down. */
    send(connection, originNs, onEnd) {
        const phase = this.#admit(originNs);
        const frame = this.#frames[this.issued % this.#frames.length];
        if (frame === undefined)
            throw new RangeError('a target without frames');
        this.issued++;
        if (phase === 'window' && nowNs() - originNs > lateNs)
            this.late++;
        const flight = { originNs, phase, onEnd, cancel: () => undefined };
        this.#flights.add(flight);
        if (phase === 'window')
            this.#windowFlights++;
        flight.cancel = connection.send(frame, (failure, message, endNs) => {
            this.#land(flight);
            this.#phases.at(endNs);
            onEnd();
            this.#record(flight, failure, message, endNs);
        });
    }
    /** A request that could not even be sent. */
    fail(originNs, failure, message) {
        if (this.#admit(originNs) === 'window')
            this.#fail(failure, message);
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
    /** Ascending, in whole ns. */
    sortedLatencies() {
        return this.#latencies.slice(0, this.#count).sort();
    }
    #admit(originNs) {
        const phase = this.#phases.at(originNs);
        if (phase === 'window') {
            this.#phases.countRequest(originNs);
            this.requests++;
        }
        return phase;
    }
    #land(flight) {
        this.#flights.delete(flight);
        if (flight.phase === 'window')
            this.#windowFlights--;
    }
    #record(flight, failure, message, endNs) {
        if (failure === null) {
            if (this.#phases.includes(endNs))
                this.completed++;
            if (flight.phase === 'window')
                this.#push(Math.round(endNs - flight.originNs));
        }
        else if (flight.phase === 'window') {
            this.#fail(failure, message);
        }
    }
    #fail(failure, message) {
        this.failures[failure] = (this.failures[failure] ?? 0) + 1;
        this.firstFailure ??= message === '' ? failure : `${failure}: ${message}`;
    }
    #push(latencyNs) {
        if (this.#count === this.#latencies.length) {
            const grown = new Float64Array(2 * this.#latencies.length);
            grown.set(this.#latencies);
            this.#latencies = grown;
        }
        this.#latencies[this.#count++] = latencyNs;
    }
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
        port.postMessage(reply, report === null ? [] : [report.latenciesNs.buffer]);
    }, (cause) => {
        const { code, message, hint } = asGateError(cause);
        port.postMessage({ id, ok: false, code, message, hint });
    });
});
async function obey(command) {
    switch (command.kind) {
        case 'open':
            await worker_open(command.target);
            return null;
        case 'run':
            return run(command.targetId, command.load, command.options);
        case 'closeTarget':
            worker_close(command.targetId);
            return null;
        default:
            return command;
    }
}
async function worker_open(target) {
    if (targets.has(target.id))
        throw new GateError('internal', `load target '${target.id}' is already open`);
    const connect = () => new Connection(target);
    const connections = [
        connect(),
        ...Array.from({ length: target.connections - 1 }, connect),
    ];
    await Promise.all(connections.map((each) => new Promise((resolve) => each.whenSettled(resolve))));
    const failed = connections.find((each) => !each.ready);
    if (failed !== undefined) {
        for (const each of connections)
            each.close();
        throw new GateError('server', `cannot connect to ${target.host}:${target.port}: ${failed.lastError}`, {
            hint: 'The port must be that of gRPC (8001 by default, not 8000 for HTTP or 8002 for metrics).',
        });
    }
    const frames = target.frames.map((frame) => Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));
    targets.set(target.id, { target, connections, frames, windows: 0 });
}
function worker_close(targetId) {
    for (const connection of targets.get(targetId)?.connections ?? [])
        connection.close();
    targets.delete(targetId);
}
async function run(targetId, load, options) {
    const open = targets.get(targetId);
    if (open === undefined)
        throw new GateError('internal', `load target '${targetId}' is not open`);
    if (running)
        throw new GateError('internal', 'two windows at a time would measure each other');
    if (load.mode === 'concurrency')
        checkStreamLimit(open, load.concurrency);
    running = true;
    try {
        return await measure(open, load, options);
    }
    finally {
        running = false;
    }
}
async function measure(open, load, options) {
    const { target, connections, frames } = open;
    const probe = new ClientHealthProbe();
    const startNs = nowNs();
    const phases = new Phases(startNs, options, () => probe.open(), () => probe.close());
    const recorder = new Recorder(phases, frames, options.leadInNs, target.deadlineNs);
    const ticker = setInterval(() => {
        const atNs = nowNs();
        phases.at(atNs);
        recorder.expire(atNs);
    }, tickMs);
    try {
        if (load.mode === 'concurrency') {
            await runClosedLoop(connections, load.concurrency, recorder);
        }
        else {
            const seed = options.seed ?? open.windows;
            await runOpenLoop(connections, dueTimes(load, startNs, seed), recorder, target.deadlineNs);
        }
    }
    finally {
        clearInterval(ticker);
    }
    open.windows++;
    const endNs = phases.endNs;
    if (endNs === null)
        throw new GateError('internal', 'the load ended before its window');
    return {
        startHrtimeNs: hrtimeOf(phases.startNs),
        durationNs: Math.round(endNs - phases.startNs),
        latenciesNs: recorder.sortedLatencies(),
        completed: recorder.completed,
        issued: recorder.issued,
        failures: recorder.failures,
        firstFailure: recorder.firstFailure,
        client: probe.report(load.mode, recorder),
    };
}
/** HTTP/2 would queue the streams above the peer's limit here, unseen: the concurrency would not be what it says. */
function checkStreamLimit({ target, connections }, concurrency) {
    const most = Math.ceil(concurrency / connections.length);
    const limit = Math.min(...connections.map((each) => each.streamLimit));
    if (most <= limit)
        return;
    throw new GateError('server', `${target.host}:${target.port} takes ${limit} concurrent streams per connection; concurrency ${concurrency} ` +
        `over ${connections.length} connection(s) needs ${most}`, { hint: 'Lower the concurrency, or raise the limit of the proxy in front of the server.' });
}

