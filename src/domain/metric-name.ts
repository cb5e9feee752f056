import { z } from 'zod'
import { metricNames } from './metric.ts'

/** A metric by its name, in files. */
export const metricNameSchema = z.enum(metricNames)
