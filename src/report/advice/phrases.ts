/** The shape of a fault's wording, and the turns of phrase that many of them share. Names and texts from outside are made harmless here. */
import type { FaultCode, FaultOf } from '#report/fault.ts';
import type { Requester } from '#kubelet/demand.ts';

/** What the fault itself does not say: for whom, and under which name. */
export interface About {
  /** As written. */
  readonly image?: string;
  /** As the runtime reads it. */
  readonly reference?: string;
  readonly registry?: string;
  readonly requestedBy: readonly Requester[];
}

interface FaultMessage<C extends FaultCode> {
  /** What the fault is, for docs/faults.md. */
  readonly meaning: string;
  /** What to do, in a few words, for a table. */
  readonly next: string;
  /** What the kubelet prints, for docs/faults.md. X is the image, H the host. */
  readonly shows: string;
  cause(fault: FaultOf<C>): string;
  remedy(fault: FaultOf<C>, about: About): string;
}

export type FaultMessages<C extends FaultCode> = { readonly [K in C]: FaultMessage<K> };

// Control characters, and the marks that turn a line around or hide in it.
const unseemly = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/g;

/** Text from outside on one line, not without end, and with nothing in it that moves a cursor. */
export function oneLine(text: string, most = 240): string {
  const line = text
    .slice(0, 4 * most)
    .toWellFormed()
    .replace(unseemly, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** The same for sentences of ours: backticks mark our own commands and nothing else. */
export function plain(text: string, most = 240): string {
  return oneLine(text, most).replaceAll('`', "'");
}

/** What the other side said, as a sentence of its own; nothing where it said nothing. */
export function quoted(message: string): string {
  const text = plain(message);
  return text === '' ? '' : ` It said: "${text.replaceAll('"', "'")}".`;
}

export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}

export function listed(items: readonly string[], none = 'none'): string {
  if (items.length === 0) return none;
  const shown = items.slice(0, 8).map((item) => plain(item, 80));
  return shown.join(', ') + (items.length > shown.length ? ` and ${items.length - shown.length} more` : '');
}

/** A word that may stand in a command that somebody will paste into a shell; otherwise its placeholder. */
export function word(text: string | undefined, placeholder: string): string {
  return text !== undefined && /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,252}$/.test(text) ? text : placeholder;
}

/** `Deployment shop/web, container web (about to come)`: a workload that has no Pod here yet. */
export function requesterText({ kind, namespace, name, part, coming }: Requester): string {
  return `${kind} ${namespace}/${name}${part === '' ? '' : `, ${part}`}${coming === true ? ' (about to come)' : ''}`;
}

/** Where the image is written: ` (container web of Deployment shop/web)`. */
export function place(about: About): string {
  const [first] = about.requestedBy;
  if (first === undefined) return '';
  const part = first.part === '' ? '' : `${plain(first.part, 80)} of `;
  const rest = about.requestedBy.length > 1 ? ` and ${about.requestedBy.length - 1} more` : '';
  return ` (${part}${plain(first.kind, 40)} ${plain(first.namespace, 63)}/${plain(first.name, 80)}${rest})`;
}

export function namespaceOf(about: About): string {
  return word(about.requestedBy[0]?.namespace, about.requestedBy.length === 0 ? 'default' : 'NAMESPACE');
}

/** The host of a URL or a host:port, without scheme, path and user. */
export function hostIn(text: string): string {
  return plain(
    text
      .replace(/^[a-z]+:\/\//i, '')
      .replace(/[/?#].*$/s, '')
      .replace(/^.*@/s, ''),
    120,
  );
}

export const restart = 'then `systemctl restart containerd`: it reads this only when it starts';
export const live = 'containerd reads it anew at every pull, without a restart';

/** The directory that holds a registry's hosts.toml. */
export function hostsFile(host: string): string {
  return `/etc/containerd/certs.d/${word(hostIn(host), 'HOST')}/hosts.toml`;
}
