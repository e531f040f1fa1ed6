import * as pulumi from '@pulumi/pulumi';
import { PolicyPack, type ResourceValidationArgs, type ResourceValidationPolicy } from '@pulumi/policy';
import { INVARIANTS, UNKNOWN, type Invariant, type Subject, type Surroundings } from './invariants.js';

/**
 * The project's invariants as a CrossGuard pack: `pulumi preview --policy-pack policy`. Every rule is mandatory: what the graph
 * tests hold for the committed configurations, this holds for yours. A stack that is meant to be reached from other machines
 * names its address: `--policy-pack-config` with `{"publishes-on-loopback-only": {"addresses": ["10.0.0.5"]}}`.
 */
new PolicyPack('telegram-hybrid-stack', {
  enforcementLevel: 'mandatory',
  policies: Object.entries(INVARIANTS).map(([rule, holds]) => policyOf(rule, holds)),
});

function policyOf(rule: string, holds: Invariant): ResourceValidationPolicy {
  return {
    name: rule.replaceAll(' ', '-'),
    description: `Every resource ${rule}.`,
    configSchema: { properties: { addresses: { type: 'array', items: { type: 'string' }, default: [] } } },
    validateResource: (args, reportViolation) => {
      const why = holds(subjectOf(args), surroundingsOf(args));
      if (why) reportViolation(`${args.name}: ${why}`);
    },
  };
}

function subjectOf({ type, name, props, opts, provider }: ResourceValidationArgs): Subject {
  return {
    type,
    name,
    inputs: known(props) as Subject['inputs'],
    options: { ...opts, ...(provider && !provider.name.startsWith('default') && { provider: 'explicit' }) },
  };
}

function surroundingsOf(args: ResourceValidationArgs): Surroundings {
  const { addresses = [] } = args.getConfig<{ addresses?: string[] }>();
  return { production: new pulumi.Config('telegram').get('environment') === 'production', addresses };
}

/** A plain copy; reading what a preview does not know yet throws, and stands as such. */
function known(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((_, index) => field(value, index));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).map((key) => [key, field(value as Record<string, unknown>, key)]));
}

function field<K extends PropertyKey>(from: Readonly<Record<K, unknown>>, key: K): unknown {
  try {
    return known(from[key]);
  } catch {
    return UNKNOWN;
  }
}
