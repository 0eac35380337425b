/**
 * Door: the only prose about faults. Every code has a meaning, a cause, a remedy and the kubelet's own words for it; a code
 * without them does not compile. Nothing here decides anything.
 */
import { faultCodes, rootOf, ownerOf } from '#report/fault.ts';
import type { Fault, FaultCode, FaultOf } from '#report/fault.ts';
import type { Advice } from '#report/report.ts';
import { apiMessages } from './api.ts';
import { blobMessages } from './blob.ts';
import { exampleAbout, examples } from './examples.ts';
import { imageMessages } from './image.ts';
import { networkMessages } from './network.ts';
import { nodeFileMessages } from './node-files.ts';
import { nodeLimitMessages } from './node-limits.ts';
import { plain } from './phrases.ts';
import type { About, FaultMessages } from './phrases.ts';
import { tlsMessages } from './tls.ts';

export type { About } from './phrases.ts';

export const faultTextOf: FaultMessages<FaultCode> = {
  ...imageMessages,
  ...nodeFileMessages,
  ...nodeLimitMessages,
  ...networkMessages,
  ...tlsMessages,
  ...apiMessages,
  ...blobMessages({ cause: (fault) => causeOf(fault), remedy: (fault, about) => remedyOf(fault, about) }),
};

/** What is wrong and what to do, for one image. */
export function adviceFor(fault: Fault, about: About): Advice {
  const cause = `${causeOf(fault)}${meaning(fault, about)}`;
  return { cause, ...firstSentence(remedyOf(fault, about)), owner: ownerOf(rootOf(fault).code) };
}

/** One sentence to act on, and the rest. A sentence ends at a full stop before a space, outside of `code`. */
function firstSentence(text: string): { readonly remedy: string; readonly further?: string } {
  const match = /^((?:`[^`]*`|[^`.]|\.(?! [A-Z0-9`(]))*\.) (.+)$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return { remedy: text };
  return { remedy: match[1], further: match[2] };
}

function causeOf<C extends FaultCode>(fault: FaultOf<C>): string {
  return faultTextOf[fault.code].cause(fault);
}

function remedyOf<C extends FaultCode>(fault: FaultOf<C>, about: About): string {
  return faultTextOf[fault.code].remedy(fault, about);
}

/** A name without a registry is Docker Hub's, which many do not expect. */
function meaning(fault: Fault, { image, reference }: About): string {
  if (image === undefined || reference === undefined || !/^(?:dns|tcp|auth|api|manifest)\./.test(fault.code)) return '';
  if (!reference.startsWith('docker.io/') || /^(?:[\w-]+\.)?docker\.io\//.test(image)) return '';
  return ` You wrote \`${plain(image)}\`, which means ${plain(reference)}.`;
}

/** The README's table: every fault, what the kubelet prints for it, and what to do, told by an example. */
export function faultTable(): string {
  const rows = faultCodes.map((code) => {
    const { meaning: what, shows } = faultTextOf[code];
    return `| <a id="${code}"></a>\`${code}\` | ${cell(what)} | ${cell(verbatim(shows))} | ${cell(remedyOf(examples[code], exampleAbout(code)))} |`;
  });
  return [
    '| Fault | What it means | What the kubelet prints | What to do (an example) |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** Sentences stay sentences; what is printed word for word is set as code. */
function verbatim(shows: string): string {
  return /^nothing\b|^the decoding error/.test(shows) ? shows : `\`${shows}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
