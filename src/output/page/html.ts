/** HTML in which nothing is trusted: every value is escaped unless it is markup that was made here. */

export interface Markup {
  readonly markup: string;
}

export type Piece = Markup | string | number | readonly Piece[] | undefined;

/**
 * A tagged template: text between is markup, values are text. An array is its pieces one after another; undefined is nothing.
 * Line breaks of the source are one space on the page.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  const written = parts.map((part, index) => {
    const tight = part.replace(/\s*\n\s*/g, ' ');
    return index < values.length ? tight + render(values[index]) : tight;
  });
  return { markup: written.join('') };
}

function render(piece: Piece): string {
  if (piece === undefined) return '';
  if (typeof piece === 'string') return escape(piece);
  if (typeof piece === 'number') return String(piece);
  return 'markup' in piece ? piece.markup : piece.map(render).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Markup characters become entities. Control characters, and those that turn the direction of writing (an image name could
 * dress up as another one), become visible marks.
 */
function escape(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => entities[character] ?? '')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, '\ufffd')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}
