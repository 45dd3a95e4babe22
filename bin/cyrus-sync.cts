#!/usr/bin/env node
const { runProgram }: { runProgram(name: string): void } = require('./run-program.cjs');

runProgram('cyrus-sync');
