// Plots of the last five minutes: an area, its line, and what it is now.

const minutes = 5;
const span = minutes * 60_000;
const width = 300, height = 48;
export const gap = 10_000; // milliseconds without a sample: nobody looked

const make = (name, attributes) => {
	const node = document.createElementNS('http://www.w3.org/2000/svg', name);
	for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
	return node;
};

// stretches cuts points where nobody looked for a while.
function stretches(points) {
	const list = [];
	for (const point of points) {
		const last = list.at(-1);
		if (last && point.t - last.at(-1).t < gap) last.push(point);
		else list.push([point]);
	}
	return list;
}

// ceiling is the top of the plot: a round figure above all points.
function ceiling(most) {
	if (most <= 0) return 1;
	const unit = 10 ** Math.floor(Math.log10(most));
	return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map(n => n * unit).find(n => n >= most * 1.05) ?? 15 * unit;
}

// Plot is one tile.
export class Plot {
	constructor(parent, {label, title, format, beside = () => ''}) {
		this.format = format;
		this.beside = beside;
		this.points = [];
		const tile = document.createElement('div');
		tile.className = 'tile';
		tile.title = title;
		this.name = document.createElement('h3');
		this.name.textContent = label;
		this.figure = document.createElement('p');
		this.figure.className = 'figure';
		this.value = this.figure.appendChild(document.createElement('span'));
		this.note = this.figure.appendChild(document.createElement('small'));
		this.svg = make('svg', {viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img'});
		this.area = this.svg.appendChild(make('path', {class: 'area'}));
		this.line = this.svg.appendChild(make('path', {class: 'line'}));
		this.mark = this.svg.appendChild(make('line', {class: 'mark', y1: 0, y2: height}));
		this.mark.setAttribute('visibility', 'hidden');
		this.foot = document.createElement('p');
		this.foot.className = 'foot';
		this.left = this.foot.appendChild(document.createElement('span'));
		this.right = this.foot.appendChild(document.createElement('span'));
		tile.append(this.name, this.figure, this.svg, this.foot);
		tile.addEventListener('pointermove', event => this.point(event));
		tile.addEventListener('pointerleave', () => this.point());
		parent.append(tile);
	}

	// show draws points, of which each has a time t and a value v.
	show(points, now) {
		this.points = points;
		this.now = now;
		this.top = ceiling(points.reduce((most, {v}) => Math.max(most, v), 0));
		const x = t => (width * (1 - (now - t) / span)).toFixed(1);
		const y = v => (height - 1 - (height - 3) * v / this.top).toFixed(1);
		let line = '', area = '';
		for (const stretch of stretches(points)) {
			const path = stretch.map(({t, v}) => `${x(t)},${y(v)}`).join('L');
			line += `M${path}`;
			area += `M${x(stretch[0].t)},${height}L${path}L${x(stretch.at(-1).t)},${height}Z`;
		}
		this.line.setAttribute('d', line);
		this.area.setAttribute('d', area);
		this.tell();
	}

	// point shows the value below the pointer, or the latest.
	point(event) {
		this.pointed = undefined;
		if (event && this.points.length > 0) {
			const box = this.svg.getBoundingClientRect();
			const t = this.now - span * (1 - (event.clientX - box.left) / box.width);
			this.pointed = this.points.reduce((best, point) =>
				Math.abs(point.t - t) < Math.abs(best.t - t) ? point : best);
			const at = width * (1 - (this.now - this.pointed.t) / span);
			this.mark.setAttribute('x1', at);
			this.mark.setAttribute('x2', at);
		}
		this.mark.setAttribute('visibility', this.pointed ? 'visible' : 'hidden');
		this.tell();
	}

	tell() {
		const shown = this.pointed ?? this.points.at(-1);
		const text = shown ? this.format(shown.v) : '–';
		if (this.value.textContent !== text) this.value.textContent = text;
		this.note.textContent = shown && !this.pointed ? this.beside() : '';
		const top = this.format(this.top ?? 0);
		this.left.textContent = this.pointed ? `${Math.round((this.now - shown.t) / 1000)} s ago` : `${minutes} min`;
		this.right.textContent = `max ${top}`;
		this.svg.setAttribute('aria-label', `${this.name.textContent}: ${text}`);
	}
}
