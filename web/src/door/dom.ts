/** Elements by hand. Text goes in as text only: nothing that comes from outside is ever read as markup. */

type Child = Node | string | null | false | undefined
type Attributes = Record<string, string | number | boolean | EventListener | null | undefined>

export function h<K extends keyof HTMLElementTagNameMap>(name: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key, value)
    else if (value === true) made.setAttribute(key, '')
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, String(value))
  }
  for (const child of children) if (child) made.append(child)
  return made
}

/** Put the caret where the news is, so that a screen reader says it. */
export function focus(element: HTMLElement): void {
  element.tabIndex = -1
  element.focus()
}
