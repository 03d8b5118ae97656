// Finding a target among those one may ask for: every word has to be in its name, its protocol or one of its labels.

type Findable = { name: string; protocol: string; labels: Record<string, string>; roles: { name: string }[] }

export function matches(target: Findable, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return true
  const labels = Object.entries(target.labels).map(([key, value]) => `${key}=${value}`)
  const all = [target.name, target.protocol, ...labels, ...target.roles.map((role) => role.name)]
    .join(' ')
    .toLowerCase()
  return words.every((word) => all.includes(word.replace(':', '=')) || all.includes(word))
}
