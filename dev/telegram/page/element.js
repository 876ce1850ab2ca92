/** Makes an element: `h('b', { class: 'x', onclick }, 'text', child)`. Text is always text, never markup. */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== ''));
  return made;
}

const shapes = {
  tick: ['0 0 17 12', ['m1 6.500 3.500 3.500 7-8', 'm7.500 9.200.8.8 7-8']],
  file: ['0 0 24 24', ['M6 3.500h8l4.500 4.500v12.500H6z', 'M13.500 3.500v5h5']],
  star: [
    '0 0 24 24',
    ['M12 2.500l2.900 6.100 6.600.9-4.800 4.600 1.200 6.600L12 17.500l-5.900 3.200 1.200-6.600L2.500 9.500l6.600-.9z'],
  ],
};

export function icon(name) {
  const [box, paths] = shapes[name];
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', box);
  svg.setAttribute('aria-hidden', 'true');
  for (const d of paths) {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', d);
    if (name === 'star') path.setAttribute('class', 'solid');
    svg.append(path);
  }
  if (name === 'star') svg.setAttribute('class', 'star');
  return svg;
}
