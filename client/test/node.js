// Runs the scenarios that are named on standard input, a JSON object in each line, and
// writes what comes of each.

import {createInterface} from 'node:readline';
import {run} from './scenarios.js';

for await (const line of createInterface({input: process.stdin})) {
	const {name, ...given} = JSON.parse(line);
	console.log(JSON.stringify(await run(name, given)));
}
process.exit();
