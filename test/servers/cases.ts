/** The questions that containerd and drypull are both asked, and what containerd 1.6.20 says to each. */
import type { Stage } from './stage.ts';
import { answerCases } from './cases-answers.ts';
import { authCases } from './cases-auth.ts';
import { contentCases } from './cases-content.ts';
import { mirrorCases } from './cases-mirrors.ts';
import { tlsCases } from './cases-tls.ts';

export interface Case {
  /** `a registry that …`: what the pull meets. */
  readonly world: string;
  readonly set: (stage: Stage) => Promise<AttemptContext>;
  /** How containerd 1.6.20's words end, or that it pulls. Numbers that differ by run are left out. */
  readonly gets: 'pulled' | RegExp;
  /** Where our words are known to be others than containerd's, and why they stay so. */
  readonly unlike?: { readonly theirs: string; readonly ours: string; readonly because: string };
}

export interface AttemptContext {
  readonly image: string;
  readonly user?: readonly [name: string, password: string];
}

export const cases: readonly Case[] = [...tlsCases, ...mirrorCases, ...authCases, ...answerCases, ...contentCases];
