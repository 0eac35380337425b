/** Go's strconv.ParseInt(text, 10, 64); undefined where it would be an error. */
export function int64(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[+-]?\d{1,64}$/.test(text)) return undefined;
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text.replace('+', ''));
  return value === BigInt.asIntN(64, value) ? value : undefined;
}
