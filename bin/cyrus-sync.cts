#!/usr/bin/env node
const { runProgram }: { runProgram(name: string): void } = require('./run-program.cjs');
const { checkNode }: { checkNode(program: string): void } = require('./check-node.cjs');

checkNode('cyrus-sync');
runProgram('cyrus-sync');
