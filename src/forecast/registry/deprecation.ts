import { deprecatedRegistries, type DeprecatedRegistry } from './deprecated-registries.ts';

/** The most exact row for a repository, written with its registry. */
export function deprecationOf(repository: string): DeprecatedRegistry | undefined {
  return deprecatedRegistries
    .filter(({ place }) => repository === place || repository.startsWith(`${place}/`))
    .toSorted((one, other) => other.place.length - one.place.length)[0];
}
