// The clients and variants of the catalogue that the command line asked for.
import { readAsked } from './asked.ts';
import { runClients } from './suite.ts';

const { clients, variants, genuine } = readAsked(process.env.CLIENTS_ASKED);
runClients({ clients, variants, kind: genuine ? 'genuine' : 'ts' });
