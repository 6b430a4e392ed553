/** Units are written as people write them; UCUM spellings are translated. */

const UNITS: Record<string, string> = { Cel: '°C', 'm3/h': 'm³/h', m3: 'm³', 'mm/s2': 'mm/s²', 'm/s2': 'm/s²', '1': '', count: '', bool: '', enum: '' }

export const unitText = (unit: string): string => UNITS[unit] ?? unit
