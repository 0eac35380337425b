/** Seconds. */
export const hourS = 3600;
export const dayS = 24 * hourS;
