// The settings of a field type, drawn from the JSON Schema the server publishes for it.
import { Checkbox, NumberInput, Select, SimpleGrid, TextInput } from '@mantine/core';
import type { ConfigProperty, ConfigSchema } from '../api/wire';
import { text } from '../text/en';
import type { Suggest } from './suggestions';

interface Props {
  schema: ConfigSchema | undefined;
  config: Record<string, unknown>;
  change: (config: Record<string, unknown>) => void;
  suggest: Suggest;
  /** What the server says of a setting. */
  issue: (field: string) => string | undefined;
}

/** `decimalPlaces` → `Decimal places`. */
function words(name: string): string {
  const spaced = name.replace(/([A-Z])/g, ' $1').toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

const SIMPLE = new Set(['string', 'number', 'integer', 'boolean']);

function typeOf(property: ConfigProperty): string {
  if (property.enum) return 'enum';
  const types = Array.isArray(property.type) ? property.type : [property.type ?? ''];
  return types.find((one) => SIMPLE.has(one)) ?? '';
}

export function ConfigInputs({ schema, config, change, suggest, issue }: Props) {
  const properties = Object.entries(schema?.properties ?? {}).filter(([, property]) => typeOf(property) !== '');
  if (properties.length === 0) return null;
  const put = (name: string, value: unknown) => {
    const { [name]: _old, ...rest } = config;
    change(value === undefined || value === '' || value === null ? rest : { ...rest, [name]: value });
  };
  return (
    <fieldset className="config">
      <legend>{text.columns.settings}</legend>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        {properties.map(([name, property]) => (
          <ConfigInput
            key={name}
            name={name}
            property={property}
            required={schema?.required?.includes(name) === true}
            choices={suggest(name)}
            error={issue(`config.${name}`)}
            value={config[name]}
            put={(value) => put(name, value)}
          />
        ))}
      </SimpleGrid>
    </fieldset>
  );
}

interface InputProps {
  name: string;
  property: ConfigProperty;
  required: boolean;
  choices: { value: string; label: string }[] | undefined;
  error: string | undefined;
  value: unknown;
  put: (value: unknown) => void;
}

function ConfigInput({ name, property, required, choices, error, value, put }: InputProps) {
  const shared = { label: property.title ?? words(name), description: property.description, size: 'xs' as const, required, error };
  const fallback = property.default === undefined || property.default === null ? '' : String(property.default);
  if (choices) {
    return (
      <Select
        {...shared}
        searchable
        clearable={!required}
        clearButtonProps={{ 'aria-label': text.common.clear }}
        nothingFoundMessage={text.fields.noMatch}
        data={choices}
        value={typeof value === 'string' ? value : null}
        onChange={put}
      />
    );
  }
  switch (typeOf(property)) {
    case 'enum':
      return (
        <Select
          {...shared}
          clearable
          clearButtonProps={{ 'aria-label': text.common.clear }}
          data={(property.enum ?? []).map(String)}
          placeholder={fallback}
          value={typeof value === 'string' ? value : null}
          onChange={put}
        />
      );
    case 'boolean':
      return (
        <Checkbox
          {...shared}
          mt="xs"
          checked={value === undefined ? property.default === true : value === true}
          onChange={(event) => put(event.currentTarget.checked)}
        />
      );
    case 'number':
    case 'integer':
      return (
        <NumberInput
          {...shared}
          placeholder={fallback}
          allowDecimal={typeOf(property) === 'number'}
          min={property.minimum}
          max={property.maximum}
          value={typeof value === 'number' ? value : ''}
          onChange={(next) => put(typeof next === 'number' ? next : undefined)}
        />
      );
    default:
      return (
        <TextInput
          {...shared}
          placeholder={fallback}
          value={typeof value === 'string' ? value : ''}
          onChange={(event) => put(event.currentTarget.value)}
        />
      );
  }
}
