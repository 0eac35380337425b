/**
 * `npm run chart`: copies the descriptions of charts/drypull/values.yaml, which are its comments, to values.schema.json and to
 * the table of README.md. Throws where a value lacks a description or the schema lacks a value.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml';

const chart = join(import.meta.dirname, '../charts/drypull');
export const valuesPath = join(chart, 'values.yaml');
export const schemaPath = join(chart, 'values.schema.json');
export const readmePath = join(chart, 'README.md');

interface Schema {
  description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly [keyword: string]: unknown;
}

/** A value of values.yaml, with the path that --set takes. */
export interface Value {
  readonly path: readonly string[];
  readonly fallback: unknown;
  readonly description: string;
}

/** The schema with a description in every property. */
export function describedSchema(schemaText: string, valuesText: string): string {
  const schema = JSON.parse(schemaText) as Schema;
  for (const { path, description } of valuesOf(valuesText, schema)) {
    const found = propertyAt(schema, path);
    if (found === undefined) throw new Error(`values.schema.json lacks ${path.join('.')}`);
    found.description = description;
  }
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

/** The README with the table of values between its marks. */
export function documentedReadme(readme: string, schemaText: string, valuesText: string): string {
  const schema = JSON.parse(schemaText) as Schema;
  const leaves = valuesOf(valuesText, schema).filter(({ path }) => propertyAt(schema, path)?.properties === undefined);
  const rows = leaves.map(
    ({ path, fallback, description }) => `| \`${path.join('.')}\` | \`${JSON.stringify(fallback)}\` | ${description} |`,
  );
  const [before, after] = [readme.split('<!-- values -->')[0], readme.split('<!-- /values -->')[1]];
  if (before === undefined || after === undefined)
    throw new Error('README.md lacks <!-- values --> … <!-- /values -->');
  const table = ['| Value | Default | Meaning |', '|---|---|---|', ...rows].join('\n');
  return `${before}<!-- values -->\n\n${table}\n\n<!-- /values -->${after}`;
}

/** Every value, from the outside in. What the schema takes as one value (labels, resources) is not taken apart. */
function valuesOf(valuesText: string, schema: Schema): readonly Value[] {
  const { contents } = parseDocument(valuesText);
  if (!isMap(contents)) throw new Error('values.yaml is not a map');
  return valuesIn(contents, [], schema);
}

function valuesIn(map: YAMLMap, above: readonly string[], schema: Schema): readonly Value[] {
  return map.items.flatMap(({ key, value }, index) => {
    if (!isScalar(key)) throw new Error(`values.yaml has a key that is no scalar, in ${above.join('.')}`);
    const path = [...above, String(key.value)];
    // The YAML library gives the comment before the first key to its map.
    const description = textOf(key.commentBefore ?? (index === 0 ? map.commentBefore : undefined));
    if (description === '') throw new Error(`values.yaml does not describe ${path.join('.')}`);
    const own = { path, fallback: (map.toJSON() as Record<string, unknown>)[String(key.value)], description };
    const isGroup = isMap(value) && propertyAt(schema, path)?.properties !== undefined && !isOneValue(path);
    return isGroup ? [own, ...valuesIn(value, path, schema)] : [own];
  });
}

/** Whose parts Kubernetes documents. */
function isOneValue(path: readonly string[]): boolean {
  return path.at(-1) === 'updateStrategy';
}

function propertyAt(schema: Schema, path: readonly string[]): Schema | undefined {
  return path.reduce<Schema | undefined>((at, name) => at?.properties?.[name], schema);
}

function textOf(comment: string | null | undefined): string {
  return (comment ?? '')
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();
}

if (import.meta.main) {
  const [values, schema, readme] = await Promise.all(
    [valuesPath, schemaPath, readmePath].map((path) => readFile(path, 'utf8')),
  );
  if (values === undefined || schema === undefined || readme === undefined) throw new Error('not read');
  await writeFile(schemaPath, describedSchema(schema, values));
  await writeFile(readmePath, documentedReadme(readme, schema, values));
}
