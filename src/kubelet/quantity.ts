/** Kubernetes' quantities (`100Mi`, `1.5G`, `2e9`), as apimachinery pkg/api/resource ParseQuantity and Value read them. */

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
  Pi: 1024 ** 5,
  Ei: 1024 ** 6,
};

/** Rounded up to a whole number; undefined where Kubernetes reports an error. */
export function parseQuantity(text: string): number | undefined {
  const parts = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d{1,3})|([KMGTPE]i|[numkMGTPE]))?$/.exec(text);
  if (parts === null) return undefined;
  const [, digits = '', exponent = '', suffix = ''] = parts;
  const value = Number(`${digits}${exponent}`) * (factors[suffix] ?? 1);
  return Number.isFinite(value) ? Math.ceil(value) : undefined;
}
