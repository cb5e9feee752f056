import { createRequire as __WEBPACK_EXTERNAL_createRequire } from "module";
var __webpack_exports__ = {};
;
const external_node_worker_threads_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:worker_threads");
;
const exitCodes = {
    pass: 0,
    fail: 1,
    usage: 2,
    environment: 3,
    inconclusive: 4,
    interrupted: 130,
};
const codes = {
    usage: exitCodes.usage,
    config: exitCodes.usage,
    server: exitCodes.environment,
    model: exitCodes.environment,
    baseline: exitCodes.environment,
    environment: exitCodes.environment,
    github: exitCodes.environment,
    interrupted: exitCodes.interrupted,
    internal: exitCodes.environment,
};
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
function messageOf(error) {
    return error instanceof Error ? error.message : String(error);
}
function asGateError(error) {
    if (error instanceof GateError)
        return error;
    return new GateError('internal', messageOf(error), {
        cause: error,
        hint: 'This is a defect of triton-perf-gate: please report it with the output of --verbose.',
    });
}
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
;
function nowNs() {
    return performance.now() * 1e6;
}
function hrtimeOf(atNs) {
    return zeroHrtimeNs + BigInt(Math.round(atNs));
}
function fromHrtime(hrtimeNs) {
    return Number(hrtimeNs - zeroHrtimeNs);
}
async function until(atNs) {
    const sleepMs = Math.floor((atNs - nowNs()) / 1e6 - 1);
    if (sleepMs >= 1)
        await new Promise((resolve) => setTimeout(resolve, sleepMs));
    while (nowNs() < atNs)
        await new Promise(setImmediate);
}
const zeroHrtimeNs = Array.from({ length: 8 }, () => {
    const before = process.hrtime.bigint();
    const atNs = nowNs();
    const spanNs = process.hrtime.bigint() - before;
    return { spanNs, zeroNs: before + spanNs / 2n - BigInt(Math.round(atNs)) };
}).reduce((best, each) => (each.spanNs < best.spanNs ? each : best)).zeroNs;
;
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
;
const spinMs = 1;
const blockedMs = 1;
function runOpenLoop(connections, nextDueNs, recorder, deadlineNs) {
    return new Promise((resolve) => {
        let dueNs = nextDueNs();
        let blocked = false;
        let armed = false;
        let finished = false;
        let turn = 0;
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
;
const byteLength = 16;
function tallyMemory() {
    return new SharedArrayBuffer(byteLength);
}
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
    get endHrtimeNs() {
        const end = Atomics.load(this.#endHrtimeNs, 0);
        return end === 0n ? null : end;
    }
    agreeOnEnd(hrtimeNs) {
        const before = Atomics.compareExchange(this.#endHrtimeNs, 0, 0n, hrtimeNs);
        return before === 0n ? hrtimeNs : before;
    }
}
function outstandingMemory() {
    return new SharedArrayBuffer(4);
}
class Outstanding {
    #count;
    constructor(memory = outstandingMemory()) {
        this.#count = new Int32Array(memory);
    }
    get any() {
        return Atomics.load(this.#count, 0) > 0;
    }
    sent() {
        Atomics.add(this.#count, 0, 1);
    }
    ended() {
        Atomics.sub(this.#count, 0, 1);
    }
}
;
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
    get endNs() {
        return this.#endNs;
    }
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
        return atNs < this.#endNs ? 'window' : 'leadOut';
    }
    countRequest(atNs) {
        if (this.#counted && !this.#hasRequests)
            this.#startNs = atNs;
        this.#hasRequests = true;
        if (this.#minRequests > 0)
            this.#tally.countRequest(atNs >= this.#plannedEndNs);
    }
    finish(atNs) {
        if (!this.#counted || this.#endNs !== null)
            return;
        this.#endNs = Math.max(atNs, this.#startNs + 1);
        this.#onClose();
    }
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
;
const initialCapacity = 4096;
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
    toArray() {
        return this.#values.slice(0, this.#count);
    }
}
;
function partOf(total, { index, of }) {
    return Math.floor(total / of) + (index < total % of ? 1 : 0);
}
function dealt(next, { index, of }) {
    let skip = index;
    return () => {
        for (; skip > 0; skip--)
            next();
        skip = of - 1;
        return next();
    };
}
;
const lateNs = 1e6;
class Recorder {
    #completed = 0;
    #issued = 0;
    #requests = 0;
    #late = 0;
    #inTime = 0;
    #firstFailure = null;
    #failures = {};
    #phases;
    #outgoing;
    #share;
    #leadOutNs;
    #requestCount;
    #deadlineNs;
    #responses;
    #sends;
    #logger;
    #flights = new Set();
    #outstanding;
    #firstSentNs = null;
    #lastEndNs = 0;
    #latencies = new GrowingArray();
    constructor(phases, { target, share, requests }, { leadInNs, requestCount }, { responses = null, sends = null, logger = null, outstanding = new Outstanding() }) {
        this.#outstanding = outstanding;
        this.#phases = phases;
        this.#responses = responses;
        this.#outgoing = requests;
        this.#sends = sends;
        this.#logger = logger;
        this.#share = share;
        this.#leadOutNs = leadInNs;
        this.#requestCount = requestCount === undefined ? null : partOf(requestCount, share);
        this.#deadlineNs = target.deadlineNs;
    }
    get lastEndNs() {
        return this.#lastEndNs;
    }
    get firstSentNs() {
        return this.#firstSentNs;
    }
    get inFlight() {
        return this.#flights.size;
    }
    goesOn(atNs) {
        if (this.#requestCount !== null)
            return this.#requests < this.#requestCount;
        if (this.#phases.at(atNs) !== 'leadOut')
            return true;
        const endNs = this.#phases.endNs ?? atNs;
        return this.#outstanding.any && atNs < endNs + this.#leadOutNs;
    }
    send(connection, originNs, onEnd) {
        const phase = this.#admit(originNs);
        const request = this.#outgoing[(this.#share.index + this.#issued * this.#share.of) % this.#outgoing.length];
        if (request === undefined)
            throw new RangeError('a target without frames');
        this.#issued++;
        const sentNs = nowNs();
        this.#firstSentNs ??= sentNs;
        const flight = { originNs, sentNs, phase, onEnd, responsesNs: [], cancel: () => undefined };
        this.#flights.add(flight);
        if (phase === 'window') {
            if (sentNs - originNs > lateNs)
                this.#late++;
            if (this.#phases.at(sentNs) === 'window')
                this.#inTime++;
            this.#outstanding.sent();
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
    fail(originNs, failure, message) {
        if (this.#admit(originNs) === 'window')
            this.#fail(failure, message);
        this.#lastEndNs = nowNs();
        this.#logger?.add(originNs, Number.NaN, this.#lastEndNs, failure);
    }
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
            this.#outstanding.ended();
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
;
const lookMs = 1;
const leadNs = 3000000n;
const patienceNs = 5000000000n;
function rendezvousMemory() {
    return new SharedArrayBuffer(16);
}
class Rendezvous {
    #arrivals;
    #startHrtimeNs;
    #parties;
    constructor(memory, parties) {
        this.#arrivals = new Int32Array(memory, 0, 1);
        this.#startHrtimeNs = new BigInt64Array(memory, 8, 1);
        this.#parties = parties;
    }
    async start() {
        const deadlineNs = process.hrtime.bigint() + patienceNs;
        this.#come();
        for (;;) {
            const startNs = Atomics.load(this.#startHrtimeNs, 0);
            if (startNs !== 0n)
                return startNs;
            if (process.hrtime.bigint() > deadlineNs)
                this.#agree(process.hrtime.bigint());
            else
                await new Promise((resolve) => setTimeout(resolve, lookMs));
        }
    }
    leave() {
        this.#come();
    }
    #come() {
        const arrived = Atomics.add(this.#arrivals, 0, 1) + 1;
        if (arrived === this.#parties)
            this.#agree(process.hrtime.bigint() + leadNs);
    }
    #agree(startNs) {
        Atomics.compareExchange(this.#startHrtimeNs, 0, 0n, startNs);
    }
}
;
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
;
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
;
function createRandom(seed) {
    const next = sfc32(seed);
    const uniform = () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
    const integer = (bound) => Math.floor(uniform() * bound);
    return {
        uniform,
        integer,
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
    for (let round = 0; round < 18; round++)
        next();
    return next;
}
;
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
    return () => startNs + index++ * periodNs;
}
;
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
function mergeSends(reports) {
    const given = reports.flatMap(({ sends }) => sends ?? []);
    if (given.length === 0)
        return undefined;
    return {
        serviceNs: mergeSorted(given.map(({ serviceNs }) => serviceNs)),
        lagNs: mergeSorted(given.map(({ lagNs }) => lagNs)),
    };
}
;
const tags = { id: 0x1a, parameters: 0x22, key: 0x0a, value: 0x12, bool: 0x08, int64: 0x10, string: 0x1a };
const framePrefixBytes = 5;
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
function withSuffix(frame, suffix) {
    const whole = Buffer.allocUnsafe(frame.length + suffix.length);
    whole.set(frame);
    whole.set(suffix, frame.length);
    whole.writeUInt32BE(whole.length - framePrefixBytes, 1);
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
function pushVarint(bytes, value) {
    let rest = value;
    while (rest >= 0x80) {
        bytes.push((rest % 0x80) + 0x80);
        rest = Math.floor(rest / 0x80);
    }
    bytes.push(rest);
}
;
class SequenceSender {
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
    stop() {
        this.#stopped = true;
        this.#endLive();
    }
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
;
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
;
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
;
const stream_response_framePrefixBytes = 5;
class MessageReader {
    #chunks = [];
    #bytes = 0;
    push(chunk) {
        this.#chunks.push(chunk);
        this.#bytes += chunk.length;
        const messages = [];
        for (;;) {
            const end = this.#nextEnd();
            if (end === null || this.#bytes < end)
                return messages;
            const [whole = Buffer.alloc(0)] = this.#chunks.length === 1 ? this.#chunks : [Buffer.concat(this.#chunks)];
            messages.push(whole.subarray(stream_response_framePrefixBytes, end));
            const rest = whole.subarray(end);
            this.#chunks = rest.length === 0 ? [] : [rest];
            this.#bytes = rest.length;
        }
    }
    #nextEnd() {
        if (this.#bytes < stream_response_framePrefixBytes)
            return null;
        if ((this.#chunks[0]?.length ?? 0) < stream_response_framePrefixBytes)
            this.#chunks = [Buffer.concat(this.#chunks)];
        const [first] = this.#chunks;
        if (first === undefined)
            return null;
        if (first[0] !== 0)
            throw new RangeError('a compressed message');
        return stream_response_framePrefixBytes + first.readUInt32BE(1);
    }
}
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
;
const noStatus = 'UNKNOWN';
const noOutputs = Buffer.alloc(0);
class StreamConnection {
    #connection;
    #decoupled;
    #idle = [];
    #ordered;
    #shared = null;
    #lastId = 0;
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
    send({ frame, check }, onEnd, onResponse) {
        const lane = this.#takeLane();
        const requestId = String(++this.#lastId);
        lane.pending.set(requestId, { onEnd, onResponse, lastNs: null, check, answer: null, error: null });
        lane.stream.write(withSuffix(frame, encodeSuffix({ requestId, emptyFinalResponse: this.#decoupled })));
        return () => {
            if (!lane.pending.delete(requestId))
                return;
            if (lane.pending.size === 0)
                this.#drop(lane);
        };
    }
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
            if (lane.usable && lane.stream.isOnLiveConnection())
                return lane;
            lane.stream.end();
        }
    }
    #openLane() {
        const reader = new MessageReader();
        let status = null;
        const stream = this.#connection.openStream('ModelStreamInfer', {
            onStatus: (given) => {
                status = given;
            },
            onData: (chunk) => {
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
            },
            onClose: (failure, message) => {
                lane.usable = false;
                this.#failAll(lane, ...whyClosed(status, failure, message));
            },
        });
        const lane = { stream, pending: new Map(), usable: true };
        return lane;
    }
    #receive(lane, message, atNs) {
        const { requestId, error, final, hasData, response } = message;
        const [oldest = ''] = requestId === '' ? lane.pending.keys() : [];
        const id = requestId === '' ? oldest : requestId;
        const pending = lane.pending.get(id);
        if (pending === undefined)
            return;
        if (error !== null)
            pending.error ??= error;
        else if (hasData) {
            pending.lastNs = atNs;
            if (pending.check?.mustRead(response.length) === true)
                pending.answer ??= response;
            pending.onResponse?.(atNs);
        }
        const over = this.#decoupled ? final === true || (error !== null && final === null) : true;
        if (!over)
            return;
        lane.pending.delete(id);
        if (lane.usable && lane.pending.size === 0 && !this.#ordered)
            this.#idle.push(lane);
        const { check, answer, lastNs } = pending;
        const judged = check !== null && (answer !== null || lastNs === null);
        const wrongOutput = judged ? () => check.judge(() => answer ?? noOutputs) : undefined;
        if (pending.error === null)
            pending.onEnd(null, '', lastNs ?? atNs, wrongOutput);
        else
            pending.onEnd(noStatus, pending.error, atNs);
    }
    #drop(lane) {
        lane.usable = false;
        lane.stream.cancel();
    }
    #failAll(lane, failure, message) {
        const atNs = nowNs();
        const pending = [...lane.pending.values()];
        lane.pending.clear();
        for (const { onEnd } of pending)
            onEnd(failure, message, atNs);
    }
}
function whyClosed(status, failure, message) {
    if (status === null)
        return [failure, message];
    return status.name === 'OK'
        ? ['UNKNOWN', 'the server ended the stream before it had answered']
        : [status.name, status.message];
}
;
function sendersOf(opened, load, seed) {
    const { target, share, lines, ids, requests } = opened;
    const plan = target.sequences;
    if (plan === undefined || ids === null) {
        const [first, ...others] = lines;
        const senders = [first.sender, ...others.map((line) => line.sender)];
        return { senders, finish: () => Promise.resolve(0) };
    }
    const source = new SequenceSource(plan, share, ids, requests.length, seed);
    const closed = load.mode === 'concurrency';
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
;
const external_node_perf_hooks_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:perf_hooks");
;
const resolutionMs = 10;
class ThreadProbe {
    #delay = (0, external_node_perf_hooks_namespaceObject.monitorEventLoopDelay)({ resolution: resolutionMs });
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
function cpuTimeNs() {
    const ofThread = process.threadCpuUsage;
    const usage = ofThread?.() ?? process.cpuUsage();
    return (usage.user + usage.system) * 1000;
}
;
function tlsOptions({ certificates }) {
    const { roots = null, identity = null } = certificates ?? {};
    return {
        ...(roots === null ? {} : { ca: roots.text }),
        ...(identity === null ? {} : { key: identity.privateKey.text, cert: identity.chain.text }),
    };
}
;
const frameType = {
    data: 0,
    headers: 1,
    priority: 2,
    resetStream: 3,
    settings: 4,
    pushPromise: 5,
    ping: 6,
    goAway: 7,
    windowUpdate: 8,
    continuation: 9,
};
const flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 };
const errorCode = {
    noError: 0,
    protocolError: 1,
    flowControlError: 3,
    frameSizeError: 6,
    cancel: 8,
    compressionError: 9,
    enhanceYourCalm: 11,
};
const setting = {
    headerTableSize: 1,
    enablePush: 2,
    maxConcurrentStreams: 3,
    initialWindowSize: 4,
    maxFrameSize: 5,
};
const headBytes = 9;
const maxFrameBytes = 16_384;
class ProtocolError extends Error {
    errorCode;
    constructor(code, message) {
        super(message);
        this.errorCode = code;
    }
}
function writeHead(bytes, at, length, head) {
    const { type, flags, streamId } = head;
    bytes[at] = length >> 16;
    bytes[at + 1] = length >> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    bytes[at + 5] = streamId >>> 24;
    bytes[at + 6] = streamId >> 16;
    bytes[at + 7] = streamId >> 8;
    bytes[at + 8] = streamId;
}
function makeFrame(type, flags, streamId, payload) {
    const frame = Buffer.allocUnsafe(headBytes + payload.length);
    writeHead(frame, 0, payload.length, { type, flags, streamId });
    frame.set(payload, headBytes);
    return frame;
}
function makeNumbersFrame(type, streamId, ...numbers) {
    const payload = Buffer.allocUnsafe(4 * numbers.length);
    for (const [index, number] of numbers.entries())
        payload.writeUInt32BE(number, 4 * index);
    return makeFrame(type, 0, streamId, payload);
}
function makeSettings(settings) {
    const payload = Buffer.allocUnsafe(6 * settings.length);
    settings.forEach(([id, value], index) => {
        payload.writeUInt16BE(id, 6 * index);
        payload.writeUInt32BE(value, 6 * index + 2);
    });
    return makeFrame(frameType.settings, 0, 0, payload);
}
class FrameReader {
    #onFrame;
    #part = Buffer.allocUnsafe(headBytes + maxFrameBytes);
    #partBytes = 0;
    #frame = { type: 0, flags: 0, streamId: 0, bytes: this.#part, start: 0, end: 0 };
    constructor(onFrame) {
        this.#onFrame = onFrame;
    }
    push(chunk, count) {
        let at = this.#partBytes === 0 ? 0 : this.#complete(chunk, count);
        while (count - at >= headBytes) {
            const end = at + headBytes + payloadBytes(chunk, at);
            if (end > count)
                break;
            this.#emit(chunk, at, end);
            at = end;
        }
        if (at === count)
            return;
        chunk.copy(this.#part, this.#partBytes, at, count);
        this.#partBytes += count - at;
    }
    #complete(chunk, count) {
        let at = 0;
        const fill = (bytes) => {
            const taken = Math.min(Math.max(0, bytes - this.#partBytes), count - at);
            chunk.copy(this.#part, this.#partBytes, at, at + taken);
            this.#partBytes += taken;
            at += taken;
            return this.#partBytes >= bytes;
        };
        if (!fill(headBytes))
            return at;
        const end = headBytes + payloadBytes(this.#part, 0);
        if (!fill(end))
            return at;
        this.#partBytes = 0;
        this.#emit(this.#part, 0, end);
        return at;
    }
    #emit(bytes, at, end) {
        const frame = this.#frame;
        frame.type = bytes[at + 3] ?? 0;
        frame.flags = bytes[at + 4] ?? 0;
        frame.streamId = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
        frame.bytes = bytes;
        frame.start = at + headBytes;
        frame.end = end;
        this.#onFrame(frame);
    }
}
function payloadBytes(bytes, at) {
    const length = bytes.readUIntBE(at, 3);
    if (length > maxFrameBytes)
        throw new ProtocolError(errorCode.frameSizeError, `a frame of ${length} bytes instead of HTTP/2`);
    return length;
}
function unpadded({ flags, bytes, start, end }) {
    if ((flags & flag.padded) === 0)
        return [start, end];
    const to = end - (bytes[start] ?? 0);
    if (start + 1 > to)
        throw new ProtocolError(errorCode.protocolError, 'more padding than payload');
    return [start + 1, to];
}
;
const ofConnection = new Set([frameType.settings, frameType.ping, frameType.goAway]);
function checkFrame({ type, flags, streamId, start, end }) {
    if (type === frameType.pushPromise)
        violated('it pushes although that is switched off');
    if (streamId !== 0 && ofConnection.has(type))
        violated('a frame of a stream that is the connection’s');
    if (!hasRightLength(type, flags, end - start))
        throw new ProtocolError(errorCode.frameSizeError, 'a frame of the wrong length');
}
function hasRightLength(type, flags, length) {
    switch (type) {
        case frameType.priority:
            return length === 5;
        case frameType.resetStream:
        case frameType.windowUpdate:
            return length === 4;
        case frameType.settings:
            return (flags & flag.ack) === 0 ? length % 6 === 0 : length === 0;
        case frameType.ping:
            return length === 8;
        case frameType.goAway:
            return length >= 8;
        default:
            return true;
    }
}
function violated(what) {
    throw new ProtocolError(errorCode.protocolError, what);
}
;
const codeBits = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];
const endOfString = 256;
const longestBits = 30;
const symbols = [];
const firstCode = [0];
const firstPlace = [0];
for (let bits = 1, code = 0; bits <= longestBits; bits++) {
    code *= 2;
    firstCode.push(code);
    firstPlace.push(symbols.length);
    codeBits.forEach((length, symbol) => {
        if (length === bits)
            symbols.push(symbol);
    });
    code += symbols.length - (firstPlace[bits] ?? 0);
}
function decodeHuffman(bytes, start, end) {
    const decoded = [];
    let code = 0;
    let bits = 0;
    let onesOnly = true;
    for (let at = start; at < end; at++) {
        for (let bit = 7; bit >= 0; bit--) {
            const one = ((bytes[at] ?? 0) >> bit) & 1;
            code = code * 2 + one;
            bits++;
            onesOnly &&= one === 1;
            const place = code - (firstCode[bits] ?? 0) + (firstPlace[bits] ?? 0);
            if (place >= (firstPlace[bits + 1] ?? symbols.length)) {
                if (bits === longestBits)
                    throw new RangeError('no Huffman code');
                continue;
            }
            const symbol = symbols[place];
            if (symbol === undefined || symbol === endOfString)
                throw new RangeError('no Huffman code');
            decoded.push(symbol);
            code = 0;
            bits = 0;
            onesOnly = true;
        }
    }
    if (bits > 7 || !onesOnly)
        throw new RangeError('a Huffman code that is cut off');
    return Buffer.from(decoded).toString('latin1');
}
;
const staticTable = [
    [':authority', ''],
    [':method', 'GET'],
    [':method', 'POST'],
    [':path', '/'],
    [':path', '/index.html'],
    [':scheme', 'http'],
    [':scheme', 'https'],
    ...['200', '204', '206', '304', '400', '404', '500'].map((status) => [':status', status]),
    ['accept-charset', ''],
    ['accept-encoding', 'gzip, deflate'],
    ...[
        ...['accept-language', 'accept-ranges', 'accept', 'access-control-allow-origin', 'age', 'allow'],
        ...['authorization', 'cache-control', 'content-disposition', 'content-encoding', 'content-language'],
        ...['content-length', 'content-location', 'content-range', 'content-type', 'cookie', 'date', 'etag'],
        ...['expect', 'expires', 'from', 'host', 'if-match', 'if-modified-since', 'if-none-match', 'if-range'],
        ...['if-unmodified-since', 'last-modified', 'link', 'location', 'max-forwards', 'proxy-authenticate'],
        ...['proxy-authorization', 'range', 'referer', 'refresh', 'retry-after', 'server', 'set-cookie'],
        ...['strict-transport-security', 'transfer-encoding', 'user-agent', 'vary', 'via', 'www-authenticate'],
    ].map((name) => [name, '']),
];
const tableBytes = 4096;
const sizeOf = ([name, value]) => name.length + value.length + 32;
class HpackDecoder {
    #table = [];
    #size = 0;
    #limit;
    #mostBytes;
    #bytes = Buffer.alloc(0);
    #at = 0;
    #end = 0;
    constructor(mostBytes = tableBytes) {
        this.#mostBytes = mostBytes;
        this.#limit = mostBytes;
    }
    decode(bytes, start, end) {
        const fields = [];
        this.#bytes = bytes;
        this.#at = start;
        this.#end = end;
        while (this.#at < this.#end) {
            const first = this.#bytes[this.#at] ?? 0;
            if (first >= 0x80)
                fields.push(this.#fieldAt(this.#integer(7)));
            else if (first >= 0x40) {
                const field = this.#literal(6);
                this.#insert(field);
                fields.push(field);
            }
            else if (first < 0x20)
                fields.push(this.#literal(4));
            else if (fields.length === 0)
                this.#resize(this.#integer(5));
            else
                throw new RangeError('a header table that changes its size amid a header block');
        }
        return fields;
    }
    #fieldAt(index) {
        const field = index <= staticTable.length ? staticTable[index - 1] : this.#table[index - staticTable.length - 1];
        if (field === undefined)
            throw new RangeError(`no header field ${index}`);
        return field;
    }
    #literal(prefixBits) {
        const index = this.#integer(prefixBits);
        const name = index === 0 ? this.#string() : this.#fieldAt(index)[0];
        return [name, this.#string()];
    }
    #string() {
        const isHuffman = (this.#bytes[this.#at] ?? 0) >= 0x80;
        const length = this.#integer(7);
        const start = this.#at;
        this.#at += length;
        if (this.#at > this.#end)
            throw new RangeError('a header block that is cut off');
        return isHuffman
            ? decodeHuffman(this.#bytes, start, this.#at)
            : this.#bytes.toString('latin1', start, this.#at);
    }
    #integer(prefixBits) {
        const most = 2 ** prefixBits - 1;
        let value = this.#byte() & most;
        if (value < most)
            return value;
        for (let factor = 1; factor <= 2 ** 21; factor *= 0x80) {
            const byte = this.#byte();
            value += (byte & 0x7f) * factor;
            if (byte < 0x80)
                return value;
        }
        throw new RangeError('an integer without end');
    }
    #byte() {
        if (this.#at >= this.#end)
            throw new RangeError('a header block that is cut off');
        return this.#bytes[this.#at++] ?? 0;
    }
    #resize(limit) {
        if (limit > this.#mostBytes)
            throw new RangeError(`a header table of ${limit} bytes`);
        this.#limit = limit;
        this.#evict();
    }
    #insert(field) {
        this.#table.unshift(field);
        this.#size += sizeOf(field);
        this.#evict();
    }
    #evict() {
        while (this.#size > this.#limit) {
            const oldest = this.#table.pop();
            if (oldest === undefined)
                return;
            this.#size -= sizeOf(oldest);
        }
    }
}
class HpackEncoder {
    #inserted = new Map();
    #blocks = new Map();
    #size = 0;
    #limit = tableBytes;
    #tellLimit = false;
    setLimit(bytes) {
        if (bytes >= tableBytes || this.#limit === 0)
            return;
        this.#limit = 0;
        this.#tellLimit = true;
        this.#inserted.clear();
        this.#blocks.clear();
    }
    encode(fields) {
        const known = this.#blocks.get(fields);
        if (known !== undefined && known.inserted === this.#inserted.size && !this.#tellLimit)
            return known.block;
        const bytes = this.#tellLimit ? [0x20] : [];
        this.#tellLimit = false;
        const before = this.#inserted.size;
        for (const field of fields)
            this.#put(bytes, field);
        const block = Buffer.from(bytes);
        if (this.#inserted.size === before && (bytes[0] ?? 0) !== 0x20)
            this.#blocks.set(fields, { inserted: before, block });
        return block;
    }
    #put(bytes, field) {
        const [name, value] = field;
        const whole = staticTable.findIndex((each) => each[0] === name && each[1] === value) + 1;
        const key = `${name}\0${value}`;
        const order = this.#inserted.get(key);
        if (whole > 0)
            putInteger(bytes, 0x80, 7, whole);
        else if (order !== undefined)
            putInteger(bytes, 0x80, 7, staticTable.length + this.#inserted.size - order);
        else {
            const isKept = this.#size + sizeOf(field) <= this.#limit;
            const index = staticTable.findIndex((each) => each[0] === name) + 1;
            putInteger(bytes, isKept ? 0x40 : 0, isKept ? 6 : 4, index);
            if (index === 0)
                putString(bytes, name);
            putString(bytes, value);
            if (!isKept)
                return;
            this.#size += sizeOf(field);
            this.#inserted.set(key, this.#inserted.size);
        }
    }
}
function putInteger(bytes, pattern, prefixBits, value) {
    const most = 2 ** prefixBits - 1;
    if (value < most) {
        bytes.push(pattern | value);
        return;
    }
    bytes.push(pattern | most);
    let rest = value - most;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80))
        bytes.push(0x80 | (rest % 0x80));
    bytes.push(rest);
}
function putString(bytes, text) {
    const encoded = Buffer.from(text, 'latin1');
    putInteger(bytes, 0, 7, encoded.length);
    for (const byte of encoded)
        bytes.push(byte);
}
;
const maxBlockBytes = 1024 * 1024;
const priorityBytes = 5;
class HeaderBlocks {
    #decoder = new HpackDecoder();
    #begun = null;
    get isOpen() {
        return this.#begun !== null;
    }
    begin(frame) {
        const { type, flags, streamId, bytes } = frame;
        let [from, to] = unpadded(frame);
        if ((flags & flag.priority) !== 0)
            from += priorityBytes;
        if (from > to)
            throw new ProtocolError(errorCode.frameSizeError, 'HEADERS without room for a priority');
        if ((flags & flag.endHeaders) !== 0)
            return this.#read(frame, bytes, from, to);
        const part = Buffer.from(bytes.subarray(from, to));
        this.#begun = { head: { type, flags, streamId }, parts: [part], bytes: part.length };
        return null;
    }
    goOn({ flags, streamId, bytes, start, end }) {
        const begun = this.#begun;
        if (begun?.head.streamId !== streamId)
            throw new ProtocolError(errorCode.protocolError, 'a CONTINUATION of no header block');
        begun.parts.push(Buffer.from(bytes.subarray(start, end)));
        begun.bytes += headBytes + end - start;
        if (begun.bytes > maxBlockBytes)
            throw new ProtocolError(errorCode.enhanceYourCalm, `more than ${maxBlockBytes} bytes of headers`);
        if ((flags & flag.endHeaders) === 0)
            return null;
        this.#begun = null;
        const block = Buffer.concat(begun.parts);
        return this.#read(begun.head, block, 0, block.length);
    }
    #read({ flags, streamId }, bytes, start, end) {
        try {
            const fields = this.#decoder.decode(bytes, start, end);
            return { streamId, endStream: (flags & flag.endStream) !== 0, fields };
        }
        catch (error) {
            if (!(error instanceof RangeError))
                throw error;
            throw new ProtocolError(errorCode.compressionError, error.message);
        }
    }
}
;
const external_node_net_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:net");
;
const external_node_tls_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:tls");
;
const readBytes = 65_536;
const joinedBytes = 16_384;
class Transport {
    #socket;
    #onRead;
    #lastError = '';
    #isReading = false;
    #pushed = [];
    #pushedBytes = 0;
    constructor(host, port, tls, onConnected, { onRead, onClose }) {
        this.#onRead = onRead;
        const onread = {
            buffer: Buffer.allocUnsafe(readBytes),
            callback: (count, bytes) => {
                this.#read(bytes, count);
                return true;
            },
        };
        if (tls === null)
            this.#socket = (0, external_node_net_namespaceObject.connect)({ host, port, onread }, onConnected);
        else {
            const named = (0, external_node_net_namespaceObject.isIP)(host) === 0 ? { servername: host } : {};
            const options = { ...tls, ...named, host, port, onread, ALPNProtocols: ['h2'] };
            const socket = (0, external_node_tls_namespaceObject.connect)(options, () => {
                if (socket.alpnProtocol === 'h2')
                    onConnected();
                else
                    socket.destroy(new Error('the server does not offer HTTP/2 over TLS (ALPN)'));
            });
            this.#socket = socket;
        }
        this.#socket.setNoDelay();
        this.#socket.on('error', (error) => {
            this.#lastError = error.code === undefined ? error.message : `${error.code}: ${error.message}`;
        });
        this.#socket.on('end', () => this.#socket.destroy());
        this.#socket.on('close', () => onClose(this.#lastError || 'the connection was closed'));
    }
    push(bytes) {
        this.#pushed.push(bytes);
        this.#pushedBytes += bytes.length;
    }
    flush() {
        if (!this.#isReading)
            this.#write();
    }
    end() {
        this.#write();
        this.#socket.destroySoon();
    }
    destroy() {
        this.#write();
        this.#socket.destroy();
    }
    #read(bytes, count) {
        this.#isReading = true;
        try {
            this.#onRead(bytes, count);
        }
        finally {
            this.#isReading = false;
            this.#write();
        }
    }
    #write() {
        const pushed = this.#pushed;
        const [first] = pushed;
        if (first === undefined)
            return;
        const bytes = this.#pushedBytes;
        this.#pushed = [];
        this.#pushedBytes = 0;
        if (!this.#socket.writable)
            return;
        if (pushed.length === 1)
            this.#socket.write(first);
        else if (bytes <= joinedBytes)
            this.#socket.write(Buffer.concat(pushed, bytes));
        else {
            this.#socket.cork();
            for (const each of pushed)
                this.#socket.write(each);
            this.#socket.uncork();
        }
    }
}
;
const defaultWindowBytes = 65_535;
const largestWindow = 2 ** 31 - 1;
class Outflow {
    #push;
    #encoder = new HpackEncoder();
    #blocked = new Set();
    #window = defaultWindowBytes;
    #streamWindow = defaultWindowBytes;
    #frameBytes = maxFrameBytes;
    constructor(push) {
        this.#push = push;
    }
    set(id, value, streams) {
        if (id === setting.enablePush && value !== 0)
            throw new ProtocolError(errorCode.protocolError, 'a server that asks for pushed streams');
        if (id === setting.headerTableSize)
            this.#encoder.setLimit(value);
        else if (id === setting.maxFrameSize) {
            if (value < maxFrameBytes || value >= 2 ** 24)
                throw new ProtocolError(errorCode.protocolError, `frames of ${value} bytes`);
            this.#frameBytes = value;
        }
        else if (id === setting.initialWindowSize) {
            const change = value - this.#streamWindow;
            this.#streamWindow = value;
            if (value > largestWindow)
                throw tooLarge();
            for (const stream of streams) {
                stream.sendWindow += change;
                if (stream.sendWindow > largestWindow)
                    throw tooLarge();
            }
        }
    }
    addRoom(stream, bytes) {
        if (bytes === 0)
            throw new ProtocolError(errorCode.protocolError, 'a window update of nothing');
        if (stream === null)
            this.#window += bytes;
        else
            stream.sendWindow += bytes;
        if ((stream?.sendWindow ?? this.#window) > largestWindow)
            throw tooLarge();
    }
    begin(stream) {
        stream.sendWindow = this.#streamWindow;
        const block = this.#encoder.encode(stream.fields);
        const [data, second] = stream.unsent;
        const room = Math.min(this.#window, stream.sendWindow, joinedBytes - 2 * headBytes - block.length);
        if (data !== undefined && second === undefined && data.length <= room)
            this.#sendJoined(stream, block, data);
        else {
            this.#sendHeaders(stream, block);
            this.send(stream);
        }
    }
    send(stream) {
        if (this.#blocked.has(stream))
            return;
        while (!stream.localEnded) {
            const [data] = stream.unsent;
            if (data === undefined && !stream.ending)
                return;
            const left = (data?.length ?? 0) - stream.unsentOffset;
            const size = Math.max(0, Math.min(left, this.#window, stream.sendWindow, this.#frameBytes));
            if (left > 0 && size === 0) {
                this.#blocked.add(stream);
                return;
            }
            this.#sendData(stream, data, size, size === left);
        }
    }
    sendBlocked() {
        if (this.#blocked.size === 0)
            return;
        const blocked = [...this.#blocked];
        this.#blocked.clear();
        for (const stream of blocked)
            this.send(stream);
    }
    forget(stream) {
        this.#blocked.delete(stream);
    }
    #sendJoined(stream, block, data) {
        const dataAt = headBytes + block.length;
        const joined = Buffer.allocUnsafe(dataAt + headBytes + data.length);
        writeHead(joined, 0, block.length, {
            type: frameType.headers,
            flags: flag.endHeaders,
            streamId: stream.id,
        });
        joined.set(block, headBytes);
        const flags = stream.ending ? flag.endStream : 0;
        writeHead(joined, dataAt, data.length, { type: frameType.data, flags, streamId: stream.id });
        joined.set(data, dataAt + headBytes);
        this.#push(joined);
        this.#window -= data.length;
        stream.sendWindow -= data.length;
        stream.unsent.length = 0;
        stream.localEnded = stream.ending;
    }
    #sendHeaders(stream, block) {
        for (let at = 0; at < block.length; at += this.#frameBytes) {
            const flags = at + this.#frameBytes >= block.length ? flag.endHeaders : 0;
            const type = at === 0 ? frameType.headers : frameType.continuation;
            this.#push(makeFrame(type, flags, stream.id, block.subarray(at, at + this.#frameBytes)));
        }
    }
    #sendData(stream, data, size, isWhole) {
        const isLast = isWhole && stream.ending && stream.unsent.length <= 1;
        const head = Buffer.allocUnsafe(headBytes);
        const flags = isLast ? flag.endStream : 0;
        writeHead(head, 0, size, { type: frameType.data, flags, streamId: stream.id });
        this.#push(head);
        if (data !== undefined && size > 0)
            this.#push(data.subarray(stream.unsentOffset, stream.unsentOffset + size));
        this.#window -= size;
        stream.sendWindow -= size;
        stream.unsentOffset = isWhole ? 0 : stream.unsentOffset + size;
        if (isWhole)
            stream.unsent.shift();
        stream.localEnded = isLast;
    }
}
function tooLarge() {
    return new ProtocolError(errorCode.flowControlError, `a window of more than ${largestWindow} bytes`);
}
;
const streamWindowBytes = 16 * 1024 * 1024;
const connectionWindowBytes = 4 * streamWindowBytes;
class Inflow {
    #push;
    #receivedBytes = 0;
    constructor(push) {
        this.#push = push;
    }
    begin() {
        this.#giveRoom(0, connectionWindowBytes - defaultWindowBytes);
    }
    received(stream, bytes, isLast) {
        this.#receivedBytes += bytes;
        if (this.#receivedBytes > connectionWindowBytes / 2) {
            this.#giveRoom(0, this.#receivedBytes);
            this.#receivedBytes = 0;
        }
        if (stream === null)
            return;
        stream.receivedBytes += bytes;
        if (stream.receivedBytes > streamWindowBytes / 2 && !isLast) {
            this.#giveRoom(stream.id, stream.receivedBytes);
            stream.receivedBytes = 0;
        }
    }
    #giveRoom(streamId, bytes) {
        this.#push(makeNumbersFrame(frameType.windowUpdate, streamId, bytes));
    }
}
;
function makeStream(fields, data, ending, events) {
    return {
        id: 0,
        fields,
        events,
        unsent: data === null ? [] : [data],
        unsentOffset: 0,
        ending,
        localEnded: false,
        answered: false,
        closed: false,
        sendWindow: 0,
        receivedBytes: 0,
    };
}
;
const largestStreamId = 2 ** 31 - 1;
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const settingsAck = makeFrame(frameType.settings, flag.ack, 0, Buffer.alloc(0));
const ended = { kind: 'ended' };
class Http2Session {
    #events;
    #transport;
    #frames = new FrameReader((frame) => this.#onFrame(frame));
    #headers = new HeaderBlocks();
    #outflow = new Outflow((bytes) => this.#transport.push(bytes));
    #inflow = new Inflow((bytes) => this.#transport.push(bytes));
    #streams = new Map();
    #waiting = new Set();
    #maxStreams = Number.POSITIVE_INFINITY;
    #nextId;
    #settled = false;
    #retired = '';
    #closed = false;
    constructor(host, port, tls, events, firstStreamId = 1) {
        this.#events = events;
        this.#nextId = firstStreamId;
        this.#transport = new Transport(host, port, tls, () => this.#begin(), {
            onRead: (bytes, count) => this.#onRead(bytes, count),
            onClose: (reason) => this.destroy(this.#retired || reason),
        });
    }
    get isOpen() {
        return this.#settled && this.#retired === '' && !this.#closed;
    }
    destroy(reason) {
        if (this.#closed)
            return;
        this.#closed = true;
        this.#transport.destroy();
        this.#events.onClose(reason);
        for (const stream of [...this.#streams.values(), ...this.#waiting])
            this.#finish(stream, { kind: 'lost', reason });
    }
    request(fields, data, ending, events) {
        const stream = makeStream(fields, data, ending, events);
        if (this.#streams.size < this.#maxStreams)
            this.#open(stream);
        else
            this.#waiting.add(stream);
        this.#transport.flush();
        return stream;
    }
    write(stream, data) {
        if (stream.closed)
            return;
        stream.unsent.push(data);
        this.#sendOn(stream);
    }
    end(stream) {
        if (stream.closed || stream.ending)
            return;
        stream.ending = true;
        this.#sendOn(stream);
    }
    cancel(stream) {
        if (stream.closed)
            return;
        if (stream.id !== 0)
            this.#reset(stream);
        this.#leave(stream);
        this.#transport.flush();
    }
    #begin() {
        this.#transport.push(preface);
        this.#transport.push(makeSettings([
            [setting.enablePush, 0],
            [setting.initialWindowSize, streamWindowBytes],
        ]));
        this.#inflow.begin();
        this.#transport.flush();
    }
    #onRead(bytes, count) {
        try {
            this.#frames.push(bytes, count);
        }
        catch (error) {
            if (!(error instanceof ProtocolError))
                throw error;
            this.#transport.push(makeNumbersFrame(frameType.goAway, 0, 0, error.errorCode));
            this.destroy(`no HTTP/2: ${error.message}`);
        }
    }
    #onFrame(frame) {
        if (this.#closed)
            return;
        const { type, flags, streamId: id, bytes, start, end } = frame;
        if (!this.#settled && (type !== frameType.settings || (flags & flag.ack) !== 0))
            violated('it does not begin with SETTINGS');
        if (this.#headers.isOpen && type !== frameType.continuation)
            violated('a header block that does not go on');
        checkFrame(frame);
        switch (type) {
            case frameType.data:
                this.#onData(frame, this.#streamFor(id));
                break;
            case frameType.headers:
                this.#streamFor(id);
                this.#onHeaders(this.#headers.begin(frame));
                break;
            case frameType.continuation:
                this.#onHeaders(this.#headers.goOn(frame));
                break;
            case frameType.resetStream:
                this.#onReset(this.#streamFor(id), bytes.readUInt32BE(start));
                break;
            case frameType.settings:
                if ((flags & flag.ack) === 0)
                    this.#onSettings(frame);
                break;
            case frameType.ping:
                if ((flags & flag.ack) === 0)
                    this.#transport.push(makeFrame(frameType.ping, flag.ack, 0, bytes.subarray(start, end)));
                break;
            case frameType.goAway:
                this.#onGoAway(bytes.readUInt32BE(start) & 0x7fff_ffff, bytes.readUInt32BE(start + 4));
                break;
            case frameType.windowUpdate:
                this.#onWindowUpdate(id, bytes.readUInt32BE(start) & 0x7fff_ffff);
                break;
            default:
        }
    }
    #streamFor(id) {
        if (id % 2 === 0 || id >= this.#nextId)
            violated(`stream ${id} was never opened`);
        return this.#streams.get(id);
    }
    #onData(frame, stream) {
        const isLast = (frame.flags & flag.endStream) !== 0;
        this.#inflow.received(stream ?? null, frame.end - frame.start, isLast);
        if (stream === undefined)
            return;
        if (!stream.answered)
            violated('an answer that begins with DATA');
        const [from, to] = unpadded(frame);
        stream.events.onData(frame.bytes, from, to);
        if (isLast)
            this.#finish(stream, ended);
    }
    #onHeaders(block) {
        const stream = block === null ? undefined : this.#streams.get(block.streamId);
        if (block === null || stream === undefined)
            return;
        if (!stream.answered && isInterimResponse(block))
            return;
        if (stream.answered && !block.endStream)
            violated('trailers that do not end the answer');
        stream.answered = true;
        if (block.endStream)
            this.#leave(stream);
        stream.events.onHeaders(block.fields, block.endStream);
        if (block.endStream)
            stream.events.onEnd(ended);
    }
    #onReset(stream, code) {
        if (stream === undefined)
            return;
        stream.localEnded = true;
        this.#finish(stream, { kind: 'reset', code });
    }
    #onSettings({ bytes, start, end }) {
        for (let at = start; at < end; at += 6) {
            const id = bytes.readUInt16BE(at);
            const value = bytes.readUInt32BE(at + 2);
            if (id === setting.maxConcurrentStreams)
                this.#maxStreams = value;
            else
                this.#outflow.set(id, value, this.#streams.values());
        }
        this.#transport.push(settingsAck);
        this.#settled = true;
        this.#events.onSettings(this.#maxStreams);
        this.#openWaiting();
        this.#outflow.sendBlocked();
    }
    #onGoAway(lastStreamId, code) {
        this.#retire(`the server sent GOAWAY with code ${code}`);
        const refused = [...this.#streams.values()].filter(({ id }) => id > lastStreamId);
        for (const stream of refused)
            this.#finish(stream, { kind: 'lost', reason: this.#retired });
    }
    #retire(reason) {
        this.#retired = reason;
        this.#events.onGoAway(reason);
        for (const stream of this.#waiting)
            this.#finish(stream, { kind: 'lost', reason });
        this.#endWhenDone();
    }
    #onWindowUpdate(id, bytes) {
        const stream = id === 0 ? null : this.#streamFor(id);
        if (stream === undefined)
            return;
        this.#outflow.addRoom(stream, bytes);
        this.#outflow.sendBlocked();
    }
    #open(stream) {
        stream.id = this.#nextId;
        this.#nextId += 2;
        this.#streams.set(stream.id, stream);
        this.#outflow.begin(stream);
        if (this.#nextId > largestStreamId)
            this.#retire('the connection has had all the streams that it can have');
    }
    #sendOn(stream) {
        if (stream.id === 0)
            return;
        this.#outflow.send(stream);
        this.#transport.flush();
    }
    #openWaiting() {
        for (const stream of this.#waiting) {
            if (this.#streams.size >= this.#maxStreams)
                return;
            this.#waiting.delete(stream);
            this.#open(stream);
        }
    }
    #finish(stream, end) {
        if (stream.closed)
            return;
        this.#leave(stream);
        stream.events.onEnd(end);
    }
    #leave(stream) {
        stream.closed = true;
        this.#waiting.delete(stream);
        if (!this.#streams.delete(stream.id))
            return;
        this.#outflow.forget(stream);
        if (this.#closed)
            return;
        if (!stream.localEnded)
            this.#reset(stream);
        this.#openWaiting();
        this.#endWhenDone();
    }
    #reset(stream) {
        stream.localEnded = true;
        this.#transport.push(makeNumbersFrame(frameType.resetStream, stream.id, errorCode.cancel));
    }
    #endWhenDone() {
        if (this.#retired !== '' && this.#streams.size === 0)
            this.#transport.end();
    }
}
function isInterimResponse({ fields: [first], endStream }) {
    if (first?.[0] !== ':status')
        violated('an answer without a status');
    const isInterim = first[1].startsWith('1');
    if (isInterim && endStream)
        violated('an interim answer and nothing after it');
    return isInterim;
}
;
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
function statusName(code) {
    return names[/^\d+$/.test(code) ? Number(code) : -1] ?? 'UNKNOWN';
}
function statusMessage(encoded) {
    try {
        return decodeURIComponent(encoded);
    }
    catch {
        return encoded;
    }
}
const fieldValue = (fields, name) => fields.find((field) => field[0] === name)?.[1];
function statusOf(fields) {
    const status = fieldValue(fields, 'grpc-status');
    if (status === undefined)
        return null;
    return { name: statusName(status), message: statusMessage(fieldValue(fields, 'grpc-message') ?? '') };
}
function fateOf(end, httpStatus) {
    switch (end.kind) {
        case 'lost':
            return ['connection', end.reason];
        case 'reset':
            return ['reset', `the server reset the stream with code ${end.code}`];
        case 'ended': {
            const status = httpStatus === undefined ? '' : ` (HTTP status ${httpStatus})`;
            return ['UNKNOWN', `the answer ended without grpc-status${status}`];
        }
        default:
            return end;
    }
}
;
const unary_call_framePrefixBytes = 5;
class UnaryCall {
    #check;
    #onOver;
    #onEnd;
    #chunks = [];
    #bytes = 0;
    #compressed = 0;
    #messageBytes = 0;
    #keeps = null;
    #httpStatus;
    #open = true;
    constructor(check, onOver, onEnd) {
        this.#check = check;
        this.#onOver = onOver;
        this.#onEnd = onEnd;
    }
    giveUp() {
        if (!this.#open)
            return false;
        this.#open = false;
        this.#onOver();
        return true;
    }
    onHeaders(fields, isLast) {
        this.#httpStatus ??= fieldValue(fields, ':status');
        const status = isLast ? statusOf(fields) : null;
        if (status === null)
            return;
        if (status.name === 'OK')
            this.#end(...this.#successOrNot());
        else
            this.#end(status.name, status.message);
    }
    onData(bytes, start, end) {
        let at = start;
        for (; at < end && this.#bytes < unary_call_framePrefixBytes; at++) {
            if (this.#bytes++ === 0)
                this.#compressed = bytes[at] ?? 0;
            else
                this.#messageBytes = this.#messageBytes * 256 + (bytes[at] ?? 0);
        }
        this.#bytes += end - at;
        const isKnown = this.#bytes >= unary_call_framePrefixBytes;
        this.#keeps ??= this.#check?.mustRead(isKnown ? this.#messageBytes : Number.NaN) ?? false;
        if (this.#keeps)
            this.#chunks.push(Buffer.from(bytes.subarray(start, end)));
    }
    onEnd(end) {
        if (this.#open)
            this.#end(...fateOf(end, this.#httpStatus));
    }
    #successOrNot() {
        if (this.#httpStatus !== '200')
            return ['UNKNOWN', `status OK under HTTP status ${this.#httpStatus}`];
        if (this.#bytes < unary_call_framePrefixBytes)
            return ['INTERNAL', 'status OK without a response message'];
        if (this.#compressed !== 0)
            return ['INTERNAL', 'a compressed response, which nobody asked for'];
        const wanted = unary_call_framePrefixBytes + this.#messageBytes;
        if (this.#bytes === wanted)
            return [null, ''];
        return ['INTERNAL', `a response of ${this.#bytes} bytes whose one message takes ${wanted}`];
    }
    #end(failure, message) {
        const endNs = nowNs();
        if (!this.giveUp())
            return;
        const check = this.#check;
        if (failure !== null || check === null || this.#keeps !== true)
            this.#onEnd(failure, message, endNs);
        else
            this.#onEnd(null, '', endNs, () => check.judge(() => this.#message()));
    }
    #message() {
        return Buffer.concat(this.#chunks).subarray(unary_call_framePrefixBytes);
    }
}
;
const restMs = 50;
const connectTimeoutMs = 5000;
const brokenOff = /ALERT|ECONNRESET|EPROTO|closed|no HTTP/;
const maxStreams = 4096;
const service = '/inference.GRPCInferenceService';
class Connection {
    lastError = '';
    #target;
    #fields;
    #streamFields = new Map();
    #state = 'idle';
    #session = null;
    #readySinceNs = 0;
    #streamLimit = maxStreams;
    #active = 0;
    #waiting = [];
    constructor(target) {
        this.#target = target;
        this.#fields = requestFields(target, 'ModelInfer');
    }
    get ready() {
        return this.#state === 'ready' && this.#session?.isOpen === true;
    }
    get resting() {
        return this.#state === 'resting';
    }
    get hasRoom() {
        return this.#active < this.#streamLimit;
    }
    get streamLimit() {
        return this.#streamLimit;
    }
    whenSettled(callback) {
        this.#waiting.push(callback);
        this.wake();
    }
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
        this.#session?.destroy('the connection was closed');
        this.#settle();
    }
    send({ frame, check }, onEnd) {
        const session = this.#session;
        if (session === null)
            throw new Error('send() on a connection that is not ready');
        this.#active++;
        const call = new UnaryCall(check, () => this.#active--, onEnd);
        const stream = session.request(this.#fields, frame, true, call);
        return () => {
            if (!call.giveUp())
                return;
            session.cancel(stream);
        };
    }
    openStream(method, { onStatus, onData, onClose }) {
        const session = this.#session;
        if (session === null)
            throw new Error('openStream() on a connection that is not ready');
        const fields = this.#streamFields.get(method) ?? requestFields(this.#target, method);
        this.#streamFields.set(method, fields);
        let httpStatus;
        let open = true;
        this.#active++;
        const close = () => {
            if (!open)
                return;
            open = false;
            this.#active--;
        };
        const stream = session.request(fields, null, false, {
            onHeaders: (headers, isLast) => {
                httpStatus ??= fieldValue(headers, ':status');
                const status = isLast ? statusOf(headers) : null;
                if (status !== null)
                    onStatus(status);
            },
            onData: (bytes, start, end) => onData(Buffer.from(bytes.subarray(start, end))),
            onEnd: (end) => {
                close();
                onClose(...fateOf(end, httpStatus));
            },
        });
        return {
            isOnLiveConnection: () => session.isOpen,
            write: (frame) => session.write(stream, frame),
            end: () => session.end(stream),
            cancel: () => {
                close();
                session.cancel(stream);
            },
        };
    }
    #connect() {
        this.#state = 'connecting';
        this.lastError = '';
        const { host, port, tls } = this.#target;
        const options = tls ? tlsOptions(this.#target) : null;
        const session = new Http2Session(host, port, options, {
            onSettings: (maxConcurrentStreams) => {
                if (this.#session !== session)
                    return;
                this.#streamLimit = Math.min(maxStreams, maxConcurrentStreams);
                if (this.#state !== 'connecting')
                    return;
                clearTimeout(timeout);
                this.#state = 'ready';
                this.#readySinceNs = nowNs();
                this.#settle();
            },
            onGoAway: (reason) => {
                if (this.#session === session)
                    this.lastError = reason;
                this.#lost(session);
            },
            onClose: (reason) => {
                clearTimeout(timeout);
                const withoutCertificate = options !== null && options.cert === undefined;
                const mayAsk = this.#state === 'connecting' && withoutCertificate && brokenOff.test(reason);
                if (this.#session === session)
                    this.lastError = mayAsk ? `${reason}; does it ask for a client certificate?` : reason;
                this.#lost(session);
            },
        });
        this.#session = session;
        const timeout = setTimeout(() => session.destroy(`no HTTP/2 answer within ${connectTimeoutMs / 1000} s`), connectTimeoutMs);
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
function requestFields({ host, port, tls, metadata }, method) {
    return [
        [':method', 'POST'],
        [':scheme', tls ? 'https' : 'http'],
        [':path', `${service}/${method}`],
        [':authority', `${host.includes(':') ? `[${host}]` : host}:${port}`],
        ['content-type', 'application/grpc'],
        ['te', 'trailers'],
        ...Object.entries(metadata ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    ];
}
;
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
function readOutput(message) {
    let name = '';
    let datatype = '';
    const shape = [];
    eachField(message, (number, value) => {
        if (number === 1 && value instanceof Buffer)
            name = value.toString();
        else if (number === 2 && value instanceof Buffer)
            datatype = value.toString();
        else if (number === 3 && value instanceof Buffer)
            shape.push(...packedVarints(value));
        else if (number === 3 && typeof value === 'number')
            shape.push(value);
    });
    return { name, datatype, shape };
}
;
const external_node_fs_namespaceObject = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:fs");
;
class SharedOutputReader {
    #file;
    #slots;
    constructor({ path, slots }) {
        this.#slots = slots;
        try {
            this.#file = (0, external_node_fs_namespaceObject.openSync)(path, 'r');
        }
        catch (error) {
            throw new GateError('environment', `the outputs in shared memory cannot be read: ${messageOf(error)}`, {
                cause: error,
            });
        }
    }
    ofFrame(frame) {
        const slots = new Map((this.#slots[frame] ?? []).map((slot) => [slot.name, slot]));
        return ({ name, shape }) => {
            const slot = slots.get(name);
            return slot === undefined ? null : this.#read(slot, shape);
        };
    }
    close() {
        (0, external_node_fs_namespaceObject.closeSync)(this.#file);
    }
    #read(slot, shape) {
        const elements = shape.reduce((product, dim) => product * dim, 1);
        if (slot.elementBytes === null)
            return texts(this.#bytes(slot, slot.byteSize), elements);
        const length = elements * slot.elementBytes;
        if (length > slot.byteSize)
            throw new RangeError(`output '${slot.name}' of ${length} bytes in a slot of ${slot.byteSize}`);
        return this.#bytes(slot, length);
    }
    #bytes({ name, offset }, length) {
        const buffer = Buffer.allocUnsafe(length);
        const read = (0, external_node_fs_namespaceObject.readSync)(this.#file, buffer, 0, length, offset);
        if (read === length)
            return buffer;
        throw new RangeError(`output '${name}' lies beyond the end of its region`);
    }
}
function texts(slot, elements) {
    let end = 0;
    for (let element = 0; element < elements; element++) {
        if (end + 4 > slot.length)
            throw new RangeError('strings that end beyond their slot');
        end += 4 + slot.readUInt32LE(end);
    }
    if (end > slot.length)
        throw new RangeError('strings that end beyond their slot');
    return slot.subarray(0, end);
}
;
function answerChecks(check, frames) {
    if (check === undefined)
        return { ofFrames: [], close: () => undefined };
    const { declared, bytes, shared } = check;
    const reader = shared === undefined || bytes === null ? null : new SharedOutputReader(shared);
    return {
        ofFrames: Array.from({ length: frames }, (_, frame) => frameCheck(declared, comparison(bytes, frame), reader?.ofFrame(frame) ?? null)),
        close: () => reader?.close(),
    };
}
function comparison(bytes, frame) {
    switch (bytes?.kind) {
        case undefined:
            return null;
        case 'given': {
            const expected = bytes.outputs[frame];
            return expected == null ? null : (outputs) => difference(expected, outputs);
        }
        case 'first':
            return asTheFirst();
        default:
            return bytes;
    }
}
function frameCheck(declared, compare, readSlot) {
    if (declared.outputs.length === 0 && compare === null)
        return null;
    let knownLength = null;
    return {
        mustRead: (byteLength) => compare !== null || knownLength === null || (declared.areOfFixedSize && byteLength !== knownLength),
        judge: (message) => reading(message, readSlot, (outputs, byteLength) => {
            const wrong = mismatch(declared, outputs) ?? compare?.(outputs) ?? null;
            if (wrong === null)
                knownLength ??= byteLength;
            return wrong;
        }),
    };
}
function mismatch({ outputs: declared }, outputs) {
    for (const { name, datatype, shape } of declared) {
        const output = outputs.find((each) => each.name === name);
        if (output === undefined)
            continue;
        if (output.datatype !== datatype)
            return `output '${name}' is ${output.datatype}, the model's configuration says ${datatype}`;
        const fits = output.shape.length === shape.length &&
            shape.every((dim, index) => dim === -1 || dim === output.shape[index]);
        if (!fits)
            return `output '${name}' has shape [${output.shape.join(', ')}], the model's configuration says [${shape.join(', ')}]`;
    }
    return null;
}
function asTheFirst() {
    let first = null;
    return (outputs) => {
        if (first !== null)
            return difference(first, outputs);
        const unread = outputs.find(({ data }) => data === null);
        if (unread !== undefined)
            return notRaw(unread.name);
        first = outputs.map(({ name, shape, data }) => ({ name, shape, data: Buffer.from(data ?? []) }));
        return null;
    };
}
function reading(message, readSlot, judge) {
    try {
        const bytes = message();
        const outputs = readOutputs(bytes);
        if (readSlot === null)
            return judge(outputs, bytes.length);
        const inSlots = outputs.map((output) => ({ ...output, data: readSlot(output) ?? output.data }));
        return judge(inSlots, bytes.length);
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
;
async function openThreadTarget(target, share) {
    const line = () => makeLine(target);
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
        check: checks.ofFrames[index] ?? null,
    }));
    const ids = target.sequences === undefined ? null : new SequenceIds(target.sequences, share);
    return { target, share, lines, ids, requests, checks };
}
function closeThreadTarget({ lines, checks }) {
    for (const { connection } of lines)
        connection.close();
    checks.close();
}
function makeLine(target) {
    const connection = new Connection(target);
    const sender = target.streaming === undefined ? connection : new StreamConnection(connection, target.streaming);
    return { connection, sender };
}
function checkStreamLimit({ target, share, lines }, concurrency) {
    const most = Math.ceil(partOf(concurrency, share) / lines.length);
    const limit = Math.min(...lines.map(({ connection }) => connection.streamLimit));
    if (most <= limit)
        return;
    throw new GateError('server', `${target.host}:${target.port} takes ${limit} concurrent streams per connection; concurrency ${concurrency} ` +
        `over ${target.connections} connection(s) needs ${most}`, { hint: 'Lower the concurrency, or raise the limit of the proxy in front of the server.' });
}
;
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
            await worker_open(command);
            return null;
        case 'run':
            return run(command);
        case 'closeTarget':
            worker_close(command.targetId);
            return null;
        case 'end':
            return process.exit();
        default:
            return command;
    }
}
async function worker_open({ target, share }) {
    if (targets.has(target.id))
        throw new GateError('internal', `load target '${target.id}' is already open`);
    targets.set(target.id, await openThreadTarget(target, share));
}
function worker_close(targetId) {
    const opened = targets.get(targetId);
    if (opened !== undefined)
        closeThreadTarget(opened);
    targets.delete(targetId);
}
async function run(command) {
    const { rendezvous } = command.muster;
    const meeting = rendezvous === null ? null : new Rendezvous(rendezvous.memory, rendezvous.parties);
    let opened;
    try {
        opened = readyFor(command);
    }
    catch (error) {
        meeting?.leave();
        throw error;
    }
    running = true;
    try {
        return await measure(opened, command, meeting === null ? nowNs() : fromHrtime(await meeting.start()));
    }
    finally {
        running = false;
    }
}
function readyFor({ targetId, load }) {
    const opened = targets.get(targetId);
    if (opened === undefined)
        throw new GateError('internal', `load target '${targetId}' is not open`);
    if (running)
        throw new GateError('internal', 'two windows at a time would measure each other');
    if (load.mode === 'concurrency')
        checkStreamLimit(opened, load.concurrency);
    return opened;
}
async function measure(opened, command, startNs) {
    const { load, options, muster } = command;
    const probe = new ThreadProbe();
    const phases = new Phases(startNs, options, () => probe.open(), () => probe.close(), new Tally(muster.tally));
    const responses = opened.target.streaming?.decoupled === true ? new ResponseTimes(phases) : null;
    const logger = options.requestLog === true ? new RequestLogger() : null;
    const sends = load.mode === 'requestRate' ? new SendTimes() : null;
    const recorder = new Recorder(phases, opened, options, {
        responses,
        sends,
        logger,
        outstanding: muster.outstanding === null ? undefined : new Outstanding(muster.outstanding),
    });
    const run = sendersOf(opened, load, muster.seed);
    let closings = 0;
    await until(startNs);
    const ticker = setInterval(() => {
        const atNs = nowNs();
        phases.at(atNs);
        recorder.expire(atNs);
        probe.beat();
    }, tickMs);
    try {
        await drive(opened, command, startNs, run.senders, recorder);
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
        lateStartNs: Math.max(0, (recorder.firstSentNs ?? endNs) - phases.startNs),
        ...report,
        issued: report.issued + closings,
        ...(responses === null ? {} : { responses: responses.report() }),
        ...(sends === null ? {} : { sends: sends.report() }),
        ...(logger === null ? {} : { log: logger.report(phases.startNs) }),
        ...(await probe.report()),
    };
}
function drive({ target, share }, { load, muster }, startNs, senders, recorder) {
    switch (load.mode) {
        case 'concurrency':
            return runClosedLoop(senders, partOf(load.concurrency, share), recorder);
        case 'requestRate': {
            const nextDueNs = dealt(dueTimes(load, startNs, muster.seed), share);
            return runOpenLoop(senders, nextDueNs, recorder, target.deadlineNs);
        }
        default:
            return load;
    }
}
