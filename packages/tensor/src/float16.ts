/** IEEE 754 half precision as raw bits in a Uint16Array: Node 20 has no Float16Array. */

const scratch = new DataView(new ArrayBuffer(8));

/** Exact: every half is a double. */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Rounds to the nearest half, ties to even, straight from double: going through float32 would round twice. */
export function numberToFloat16(value: number): number {
  scratch.setFloat64(0, value);
  const high = scratch.getUint32(0);
  const sign = (high >>> 16) & 0x8000;
  if (Number.isNaN(value)) return 0x7e00;
  const exponent = Math.max(((high >>> 20) & 0x7ff) - 1023, -14);
  if (exponent > 15) return sign | 0x7c00;
  // In units of the last place, so that adding and removing 2 ** 52 rounds as the hardware does. A carry out of the
  // fraction lands in the exponent, which is what rounding up to the next power of two, or to Infinity, means.
  const units = Math.abs(value) / 2 ** (exponent - 10) + 2 ** 52 - 2 ** 52;
  return sign | (units + ((exponent + 14) << 10));
}
