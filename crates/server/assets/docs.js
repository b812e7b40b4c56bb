// Renders the OpenAPI document and sends what is typed into "Try it". Keeps nothing, loads nothing from elsewhere.
'use strict';
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const byId = (id) => document.getElementById(id);

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === 'on') for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Text with `code` and line breaks; everything else stays text.
function prose(text) {
  const paragraph = make('p');
  String(text || '').split(/(`[^`]+`)/).forEach((part) =>
    paragraph.append(part.startsWith('`') ? make('code', {}, part.slice(1, -1)) : part));
  return paragraph;
}

function resolve(doc, schema) {
  if (!schema || !schema.$ref) return schema || {};
  return doc.components.schemas[schema.$ref.split('/').pop()] || {};
}

function typeOf(doc, schema) {
  if (!schema) return 'any';
  if (schema.$ref) return schema.$ref.split('/').pop();
  const choices = schema.oneOf || schema.anyOf || schema.allOf;
  if (choices) return choices.map((choice) => typeOf(doc, choice)).join(' | ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : schema.type;
  if (type === 'array' || (Array.isArray(schema.type) && schema.type.includes('array'))) return typeOf(doc, schema.items) + '[]';
  return (type || 'any') + (schema.format ? ' (' + schema.format + ')' : '');
}

// An example body: what has to be there, and what says something.
function example(doc, schema, depth = 0) {
  const s = resolve(doc, schema);
  if (s.example !== undefined) return s.example;
  if (s.default !== undefined) return s.default;
  if (s.enum) return s.enum[0];
  const choices = s.oneOf || s.anyOf || s.allOf;
  if (choices) return example(doc, choices.find((choice) => choice.type !== 'null') || choices[0], depth);
  const type = Array.isArray(s.type) ? s.type.find((t) => t !== 'null') : s.type;
  if (type === 'array') return depth > 3 ? [] : [example(doc, s.items, depth + 1)];
  if (type === 'object') {
    const out = {};
    for (const [name, member] of Object.entries(s.properties || {}))
      if ((s.required || []).includes(name)) out[name] = example(doc, member, depth + 1);
    return out;
  }
  return { string: 'text', integer: 1, number: 1, boolean: false }[type] ?? null;
}

function members(doc, schema) {
  const s = resolve(doc, schema);
  if (!s.properties) return null;
  const rows = Object.entries(s.properties).map(([name, member]) =>
    make('tr', {}, make('td', {}, make('code', {}, name + ((s.required || []).includes(name) ? '' : '?'))),
      make('td', {}, make('code', {}, typeOf(doc, member))), make('td', {}, member.description || '')));
  return make('table', {}, make('tbody', {}, ...rows));
}

function parameters(list) {
  if (!list.length) return null;
  const rows = list.map((p) => make('tr', {}, make('td', {}, make('code', {}, p.name + (p.required ? '' : '?'))),
    make('td', {}, p.in), make('td', {}, p.description || '')));
  return make('div', {}, make('h4', {}, 'Parameters'), make('table', {}, make('tbody', {}, ...rows)));
}

function tryIt(doc, path, method, operation) {
  const list = operation.parameters || [];
  const fields = list.filter((p) => p.in !== 'cookie').map((p) => {
    const input = make('input', { autocomplete: 'off' });
    return { p, input, label: make('label', {}, p.name + ' (' + p.in + ')', input) };
  });
  const content = operation.requestBody && operation.requestBody.content;
  const json = content && content['application/json'];
  const body = json ? make('textarea', { 'aria-label': 'Body', spellcheck: 'false' }) : null;
  if (body) body.value = JSON.stringify(example(doc, json.schema), null, 2);
  const out = make('div', { 'aria-live': 'polite' });
  const send = async () => {
    let url = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { p, input } of fields) {
      if (p.in === 'path') url = url.replace('{' + p.name + '}', encodeURIComponent(input.value));
      else if (input.value && p.in === 'query') query.set(p.name, input.value);
      else if (input.value && p.in === 'header') headers[p.name] = input.value;
    }
    const key = byId('key').value.trim();
    if (key) headers.Authorization = 'Bearer ' + key;
    else if (method !== 'get') {
      const session = await fetch('/api/auth/session').then((r) => (r.ok ? r.json() : null)).catch(() => null);
      if (session && session.csrfToken) headers['X-CSRF-Token'] = session.csrfToken;
    }
    if (body) headers['Content-Type'] = 'application/json';
    const text = query.toString();
    out.replaceChildren('…');
    try {
      const reply = await fetch(url + (text ? '?' + text : ''), { method: method.toUpperCase(), headers, body: body ? body.value : undefined });
      const raw = (await reply.text()).slice(0, 200000);
      let shown = raw;
      try { shown = JSON.stringify(JSON.parse(raw), null, 2); } catch { /* not JSON: as it came */ }
      out.replaceChildren(make('p', { class: reply.ok ? 'good' : 'bad' }, reply.status + ' ' + reply.statusText), make('pre', { tabindex: '0' }, shown));
    } catch (error) {
      out.replaceChildren(make('p', { class: 'bad' }, String(error)));
    }
  };
  const multipart = content && content['multipart/form-data'];
  const note = multipart ? make('p', {}, 'Uploads are easier with curl: -F file=@data.csv') : null;
  return make('details', {}, make('summary', {}, 'Try it'),
    make('div', { class: 'try' }, ...fields.map((f) => f.label), body, note, make('div', {}, make('button', { type: 'button', on: { click: send } }, 'Send')), out));
}

function operationSection(doc, path, method, operation) {
  const content = (operation.requestBody && operation.requestBody.content) || {};
  const bodies = Object.entries(content).map(([type, media]) =>
    make('div', {}, make('h4', {}, 'Body, ' + type), make('p', {}, make('code', {}, typeOf(doc, media.schema))), members(doc, media.schema)));
  const replies = Object.entries(operation.responses || {}).map(([status, reply]) => {
    const media = Object.values(reply.content || {})[0];
    return make('tr', {}, make('td', {}, make('code', {}, status)), make('td', {}, reply.description || ''),
      make('td', {}, media && media.schema ? make('code', {}, typeOf(doc, media.schema)) : ''));
  });
  return make('section', { class: 'op', id: operation.operationId },
    make('h3', {}, make('span', { class: 'method' }, method.toUpperCase()), ' ' + path),
    prose(operation.summary), operation.description ? prose(operation.description) : null,
    parameters(operation.parameters || []), ...bodies,
    make('h4', {}, 'Answers'), make('table', {}, make('tbody', {}, ...replies)), tryIt(doc, path, method, operation));
}

function errorTable(doc) {
  const codes = ((doc.info.description || '').match(/^\| `.*$/gm) || []).map((line) => line.split('|').map((cell) => cell.trim()));
  const rows = codes.map(([, code, status, text]) => {
    const name = code.replaceAll('`', '');
    return make('tr', { id: 'error-' + name }, make('td', {}, make('code', {}, name)), make('td', {}, status), make('td', {}, text));
  });
  return make('section', { class: 'op', id: 'errors' }, make('h2', {}, 'Error codes'), make('table', {}, make('tbody', {}, ...rows)));
}

function render(doc) {
  const main = byId('content');
  const nav = byId('nav');
  const intro = (doc.info.description || '').split('\n\n').filter((part) => !part.startsWith('|')).map(prose);
  main.replaceChildren(...intro);
  nav.replaceChildren(make('a', { href: '#errors' }, 'Error codes'), make('a', { href: '/api/openapi.json' }, 'openapi.json'));
  for (const tag of doc.tags || []) {
    const found = [];
    for (const [path, item] of Object.entries(doc.paths))
      for (const method of METHODS) if (item[method] && (item[method].tags || [])[0] === tag.name) found.push([path, method, item[method]]);
    if (!found.length) continue;
    const links = found.map(([path, method, operation]) =>
      make('a', { href: '#' + operation.operationId, 'data-words': (method + ' ' + path + ' ' + operation.summary).toLowerCase() }, method.toUpperCase() + ' ' + path));
    nav.append(make('h2', {}, tag.name), ...links);
    main.append(make('h2', {}, tag.name), prose(tag.description), ...found.map(([path, method, operation]) => {
      const section = operationSection(doc, path, method, operation);
      section.dataset.words = (method + ' ' + path + ' ' + operation.summary).toLowerCase();
      return section;
    }));
  }
  main.append(errorTable(doc));
  byId('filter').addEventListener('input', (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const node of document.querySelectorAll('[data-words]')) node.hidden = !words.every((word) => node.dataset.words.includes(word));
  });
  if (location.hash) { const target = byId(decodeURIComponent(location.hash.slice(1))); if (target) target.scrollIntoView(); }
}

fetch('/api/openapi.json').then((reply) => reply.json()).then(render, (error) => {
  byId('content').replaceChildren(make('p', { class: 'bad' }, 'The document cannot be loaded: ' + error));
});
