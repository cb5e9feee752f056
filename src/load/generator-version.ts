/**
 * How the gate's own load generator measures, as a number that stands in every baseline: numbers of two versions are not
 * compared (docs/adr/0032-what-made-the-load.md). It grows by one with each change that moves what is measured of the same server by
 * more than 1 %, a fifth of the tolerance of p99: another place where the clock is read, another client of HTTP/2, another way of
 * spacing requests. Whatever only makes the code clearer or measures more leaves it as it is.
 */
export const generatorVersion = 1
