/**
 * Docker configuration as the kubelet decodes it: {"auths":{…}} or the bare map of .dockercfg. What Go refuses is refused with Go's
 * text, because the kubelet shows a malformed pull secret's error as it is. The text never contains the content.
 *
 * Imitates k8s pkg/credentialprovider/config.go (DockerConfigEntry.UnmarshalJSON, decodeDockerConfigFieldAuth, v1.36.2) over
 * encoding/json of Go 1.26 (decode.go object, literalStore, addErrorContext).
 */
import { defaultJsonBounds } from '#data/json.ts';
import { decodeBase64 } from '#go/base64.ts';
import { foldKey, lastText, mismatch, readGoJson, type GoJson, type Member } from '#go/json.ts';

/** `config`: {"auths":{…}}; `cfg`: the bare map. */
export type DockerConfigFormat = 'config' | 'cfg';

interface RawEntry {
  /** As written: `https://index.docker.io/v1/`. */
  readonly key: string;
  readonly username: string;
  readonly password: string;
}

export type DockerConfigRead =
  { readonly ok: true; readonly entries: readonly RawEntry[] } | { readonly ok: false; readonly why: string };

/** Entries in order of first appearance; of equal keys the last one's content. */
export function decodeDockerConfig(text: string, format: DockerConfigFormat): DockerConfigRead {
  const json = readGoJson(text, defaultJsonBounds.nodes);
  if (!json.ok) return json;
  const config = new Config();
  if (format === 'cfg') config.addAuths(json.value, goValue);
  else config.addFile(json.value);
  return config.outcome();
}

/** The destination of a value: Go names the struct field and the type in its error. */
type Destination = (field: string) => string;
const goValue: Destination = (field) =>
  field === '' ? 'Go value' : `Go struct field dockerConfigEntryWithAuth.${field}`;
const inAuths: Destination = (field) =>
  `Go struct field DockerConfigJSON.${['auths', field].filter((part) => part !== '').join('.')}`;

const packageName = 'credentialprovider';

/** Go remembers the first value of a wrong type and continues; an error of an entry's own decoder stops. */
class Config {
  #entries = new Map<string, RawEntry>();
  #remembered: string | undefined;
  #stopped: string | undefined;

  addFile(json: GoJson): void {
    if (json.is === 'null') return;
    if (json.is !== 'object') {
      this.#remember(mismatch(json, 'Go value', `${packageName}.DockerConfigJSON`));
      return;
    }
    for (const { key, value } of json.members) {
      if (foldKey(key) === 'auths') this.addAuths(value, inAuths);
      else if (foldKey(key) === 'httpheaders') this.#checkHeaders(value);
    }
  }

  addAuths(json: GoJson, destination: Destination): void {
    if (json.is === 'null') {
      this.#entries = new Map();
      return;
    }
    if (json.is !== 'object') {
      this.#remember(mismatch(json, destination(''), `${packageName}.DockerConfig`));
      return;
    }
    for (const member of json.members) {
      if (this.#stopped !== undefined) return;
      const entry = readEntry(member, destination);
      if (typeof entry === 'string') this.#stopped = entry;
      else this.#entries.set(entry.key, entry);
    }
  }

  outcome(): DockerConfigRead {
    const why = this.#stopped ?? this.#remembered;
    return why === undefined ? { ok: true, entries: [...this.#entries.values()] } : { ok: false, why };
  }

  #checkHeaders(json: GoJson): void {
    const field = 'Go struct field DockerConfigJSON.HttpHeaders';
    if (json.is === 'null') return;
    if (json.is !== 'object') this.#remember(mismatch(json, field, 'map[string]string'));
    else this.#remember(firstNonString(json.members, () => field));
  }

  #remember(why: string | undefined): void {
    if (this.#stopped === undefined) this.#remembered ??= why;
  }
}

function firstNonString(members: readonly Member[], destination: (key: string) => string): string | undefined {
  const wrong = members.find(({ value }) => value.is !== 'string' && value.is !== 'null');
  return wrong === undefined ? undefined : mismatch(wrong.value, destination(wrong.key), 'string');
}

const entryFields = ['username', 'password', 'email', 'auth'];

/** DockerConfigEntry.UnmarshalJSON; null is an entry without anything in it. */
function readEntry({ key, value }: Member, destination: Destination): RawEntry | string {
  if (value.is === 'null') return { key, username: '', password: '' };
  if (value.is !== 'object') return mismatch(value, destination(''), `${packageName}.dockerConfigEntryWithAuth`);
  const known = value.members
    .map((member) => ({ ...member, key: foldKey(member.key) }))
    .filter((member) => entryFields.includes(member.key));
  const why = firstNonString(known, destination);
  if (why !== undefined) return why;
  const auth = lastText(value, 'auth');
  if (auth === '') return { key, username: lastText(value, 'username'), password: lastText(value, 'password') };
  const decoded = decodeAuth(auth);
  return typeof decoded === 'string' ? decoded : { key, ...decoded };
}

/** Go's unicode.IsSpace at the end of a text; JavaScript's own set differs by two characters. */
const trailingSpace = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

function decodeAuth(auth: string): { username: string; password: string } | string {
  let end = auth.length;
  while (end > 0 && trailingSpace.test(auth.charAt(end - 1))) end--;
  const decoded = decodeBase64(auth, auth.charAt(end - 1) === '=' ? 'padded' : 'raw');
  if (!decoded.ok) return decoded.why;
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(decoded.bytes);
  const colon = text.indexOf(':');
  if (colon < 0) return 'unable to parse auth field, must be formatted as base64(username:password)';
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
