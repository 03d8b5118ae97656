// What the documentation says of how the questions are counted. Fetched with its text when it is looked at.

import page from '../../../docs/insights.md?raw'
import { points } from '../logic/notes'

export default function Counting() {
  return (
    <ul className="small" style={{ margin: '6px 0', paddingLeft: 20, maxWidth: '78ch' }}>
      {points(page).map((words) => (
        <li key={words[0]?.text}>
          {words.map((word) =>
            word.as === 'strong' ? (
              <strong key={word.text}>{word.text}</strong>
            ) : word.as === 'code' ? (
              <code key={word.text}>{word.text}</code>
            ) : (
              word.text
            ),
          )}
        </li>
      ))}
    </ul>
  )
}
