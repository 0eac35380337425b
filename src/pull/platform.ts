/** What a build is made for, as image indexes and runtimes say it. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}
