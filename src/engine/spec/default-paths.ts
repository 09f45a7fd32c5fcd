import type { Json } from '../api-types.ts'
import { stringsOf } from './json-values.ts'

/** Masked by every engine since 20.10, and those that later engines added (26: powercap, 28: interrupts and the thermal throttles of each processor). */
const masked = ['/proc/asound', '/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware']
const maskedLater = ['/sys/devices/virtual/powercap', '/proc/interrupts']
const readOnly = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** The list is the default of some engine. */
export function isDefaultMasked(value: Json | undefined): boolean {
  const paths = stringsOf(value)
  return masked.every(each => paths.includes(each)) && paths.every(each => masked.includes(each) || maskedLater.includes(each) || /^\/sys\/devices\/system\/cpu\/cpu\d+\/thermal_throttle$/.test(each))
}

export function isDefaultReadOnly(value: Json | undefined): boolean {
  const paths = stringsOf(value)
  return paths.length === readOnly.length && readOnly.every(each => paths.includes(each))
}
