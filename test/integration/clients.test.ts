// Unmodified clients from npm live through failovers. `npm run test:clients` does it for other languages, too.
import { clients } from '../clients/catalogue.ts';
import { runClients } from '../clients/suite.ts';
import { variants } from '../clients/variants.ts';

runClients({ clients: clients.filter(({ runtime }) => runtime === 'node'), variants, kind: 'ts' });
