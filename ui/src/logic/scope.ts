// What an access is limited to inside its target, as people type it. The server says which names there are.

/** Names between commas or spaces; what stands in quotes is part of one. A quote that is left open is left to be refused. */
export const namesIn = (text: string): string[] => text.match(/(?:"(?:[^"]|"")*(?:"|$)|[^\s,"])+/g) ?? []
