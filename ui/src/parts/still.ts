// What is pressed must not move: between pressing and letting go, a page that grows would take the click away from its button.

import { useEffect, useRef, useState } from 'react'

/** The value; while a pointer is down, the one from when it went down. */
export function useStill<T>(value: T): T {
  const [pressed, setPressed] = useState(false)
  useEffect(() => {
    const down = () => setPressed(true)
    // After the click, which the browser tells right behind the letting go.
    const up = () => setTimeout(() => setPressed(false))
    const ends = ['pointerup', 'pointercancel', 'blur']
    window.addEventListener('pointerdown', down)
    for (const end of ends) window.addEventListener(end, up)
    return () => {
      window.removeEventListener('pointerdown', down)
      for (const end of ends) window.removeEventListener(end, up)
    }
  }, [])
  const shown = useRef(value)
  if (!pressed) shown.current = value
  return shown.current
}
