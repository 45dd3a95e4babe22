#!/usr/bin/env node
const { keepDebuggerClosed }: { keepDebuggerClosed(program: string): void } = require('./guard.cjs');
const { checkNode }: { checkNode(program: string): void } = require('./check-node.cjs');

keepDebuggerClosed('sync_sandbox');
checkNode('sync_sandbox');

import('./sandbox-command.ts').then(({ main }) => main());
