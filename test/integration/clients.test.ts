// Unmodified clients from npm live through failovers. `npm run test:clients` does it for other languages, too.
import { clients } from '../clients/catalogue.ts';
import { runClients } from '../clients/suite.ts';
import { variants } from '../clients/variants.ts';

// The other variants cost half a minute more, and differ in the login alone.
const own = variants.filter(({ name }) => name === 'plain' || name === 'tls');
runClients({ clients: clients.filter(({ runtime }) => runtime === 'node'), variants: own, kind: 'ts' });
