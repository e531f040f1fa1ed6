// Prints one new 2048-bit RSA private key (PKCS8 PEM): the simulator's, made once and kept in the stack's state.
import { generateKeyPairSync } from 'node:crypto';

process.stdout.write(
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey,
);
