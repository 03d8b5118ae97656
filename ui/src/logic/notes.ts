// The points of a documentation page, so that what the docs say is said here in the same words.

export type Word = { text: string; as: 'plain' | 'strong' | 'code' }

/** Every point (`- …`) of a page in Markdown, in words. Links are their text: the pages are not served here. */
export function points(page: string): Word[][] {
  const found: string[] = []
  let inside = false
  for (const line of page.split('\n')) {
    if (line.startsWith('- ')) {
      found.push(line.slice(2))
      inside = true
    } else if (inside && line.startsWith('  ')) found.push(`${found.pop()} ${line.trim()}`)
    else inside = false
  }
  return found.map(words)
}

function words(point: string): Word[] {
  const plain = point.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1')
  return plain
    .split(/(\*\*[^*]+\*\*|`[^`]+`)/)
    .filter(Boolean)
    .map((part) => {
      if (part.startsWith('**')) return { text: part.slice(2, -2), as: 'strong' }
      if (part.startsWith('`')) return { text: part.slice(1, -1), as: 'code' }
      return { text: part, as: 'plain' }
    })
}
