// The dialogs about one user: add, change, give a new password. A password typed here is kept nowhere.
import { ActionIcon, Button, Group, PasswordInput, Select, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import { Copy } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { GrantsEditor } from '../access/GrantsEditor';
import { grantsOf, placesOf, waits, type Place } from '../access/places';
import { users as api } from '../api/endpoints';
import { keys, queryClient } from '../api/queries';
import type { Role, User } from '../api/wire';
import { useMe } from '../shell/Shell';
import { words } from '../text/admin';
import { text } from '../text/en';
import { words as grantWords } from '../text/grants';
import { copy } from '../ui/copy';
import { Dialog } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';

const PASSWORD_MIN = 8;
const MADE_UP_LENGTH = 20;
/** Letters and figures that nobody mistakes for others. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

const refresh = () => queryClient.invalidateQueries({ queryKey: keys.users });

function madeUp(): string {
  let password = '';
  while (password.length < MADE_UP_LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(MADE_UP_LENGTH))) {
      // Bytes past the last whole round would make some letters likelier than others.
      if (byte < 256 - (256 % ALPHABET.length)) password += ALPHABET[byte % ALPHABET.length] ?? '';
    }
  }
  return password.slice(0, MADE_UP_LENGTH);
}

function RoleSelect({ value, onChange, error, disabled }: { value: Role; onChange: (role: Role) => void; error?: string; disabled?: boolean }) {
  const owner = useMe().user.role === 'owner';
  const roles = (['guest', 'viewer', 'commenter', 'editor', 'admin', 'owner'] as const).filter((one) => owner || one !== 'owner');
  return (
    <Select
      label={words.users.role}
      allowDeselect={false}
      disabled={disabled}
      data={roles.map((one) => ({ value: one, label: words.users.roleHints[one] ?? one }))}
      value={value}
      error={error}
      onChange={(role) => role && onChange(role as Role)}
    />
  );
}

interface PasswordProps {
  label: string;
  description: string;
  value: string;
  onChange: (value: string) => void;
  error?: string;
  first?: boolean;
}

/** A password for somebody: typed, or made up and copied. */
function PasswordField({ label, description, value, onChange, error, first }: PasswordProps) {
  const [shown, setShown] = useState(false);
  return (
    <Group align="flex-start" gap="xs" wrap="nowrap">
      <PasswordInput
        className="grow"
        label={label}
        description={description}
        required
        minLength={PASSWORD_MIN}
        autoComplete="new-password"
        data-autofocus={first || undefined}
        value={value}
        error={error}
        visible={shown}
        onVisibilityChange={setShown}
        visibilityToggleButtonProps={{ 'aria-label': words.users.show }}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <Group gap={4} mt={20} wrap="nowrap">
        <Button
          variant="default"
          h={36}
          onClick={() => {
            onChange(madeUp());
            setShown(true);
          }}
        >
          {words.users.generate}
        </Button>
        <Tooltip label={words.users.copy}>
          <ActionIcon size={36} variant="default" aria-label={words.users.copy} disabled={value === ''} onClick={() => copy(value, words.users.copied)}>
            <Copy size={15} />
          </ActionIcon>
        </Tooltip>
      </Group>
    </Group>
  );
}

const ADD_FIELDS = ['name', 'email', 'role', 'password', 'grants'] as const;

const isAdmin = (role: Role) => role === 'owner' || role === 'admin';

export function AddUser({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('editor');
  const [password, setPassword] = useState('');
  const [places, setPlaces] = useState<Place[]>([]);
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const at = issuesAt(error, ADD_FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void work(async () => {
      await api.create({ name: name.trim(), email: email.trim(), role, password, grants: isAdmin(role) ? [] : grantsOf(places).grants });
      await refresh();
      show(words.users.created(name.trim()));
      close();
    });
  };
  return (
    <Dialog onClose={close} title={words.users.add} size="lg">
      <form ref={form} onSubmit={submit} autoComplete="off">
        <Stack gap="sm">
          <TextInput
            label={words.users.name}
            required
            data-autofocus
            autoComplete="off"
            value={name}
            error={at.name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label={words.users.email}
            type="email"
            required
            autoComplete="off"
            value={email}
            error={at.email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <RoleSelect value={role} onChange={setRole} error={at.role} />
          <PasswordField
            label={words.users.first}
            description={words.users.firstHint(PASSWORD_MIN)}
            value={password}
            onChange={setPassword}
            error={at.password}
          />
          {!isAdmin(role) && <GrantsEditor closed={role === 'guest'} places={places} change={setPlaces} error={error} />}
          <Refusal error={error} fields={ADD_FIELDS} />
          <FormFoot close={close} run={words.users.add} busy={busy} disabled={(!isAdmin(role) && places.some(waits)) || name.trim() === '' || email.trim() === '' || password === ''} />
        </Stack>
      </form>
    </Dialog>
  );
}

const EDIT_FIELDS = ['name', 'role', 'grants'] as const;

export function EditUser({ user, close }: { user: User; close: () => void }) {
  const mine = useMe().user.id === user.id;
  const [name, setName] = useState(user.name);
  const [role, setRole] = useState<Role>(user.role);
  const [places, setPlaces] = useState(() => placesOf(user.grants));
  const grants = isAdmin(role) ? [] : grantsOf(places).grants;
  const regranted = JSON.stringify(grants) !== JSON.stringify(grantsOf(placesOf(user.grants)).grants);
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const at = issuesAt(error, EDIT_FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void work(async () => {
      // A role or grants that are sent end the sessions of the user, so only new ones are.
      await api.update(user.id, { name: name.trim(), ...(role === user.role ? {} : { role }), ...(regranted ? { grants } : {}) });
      await refresh();
      if (mine) await queryClient.invalidateQueries({ queryKey: keys.session });
      show(words.users.saved(name.trim()));
      close();
    });
  };
  return (
    <Dialog onClose={close} title={words.users.editTitle(user.name)} size="lg">
      <form ref={form} onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label={words.users.name} required data-autofocus value={name} error={at.name} onChange={(event) => setName(event.currentTarget.value)} />
          <RoleSelect value={role} onChange={setRole} error={at.role} disabled={mine} />
          {!isAdmin(role) && <GrantsEditor closed={role === 'guest'} places={places} change={setPlaces} error={error} />}
          {(regranted || role !== user.role) && <Text size="xs" c="dimmed">{grantWords.sessionsEnd}</Text>}
          <Refusal error={error} fields={EDIT_FIELDS} />
          <FormFoot close={close} run={text.common.save} busy={busy} disabled={name.trim() === '' || (!isAdmin(role) && places.some(waits))} />
        </Stack>
      </form>
    </Dialog>
  );
}

const PASSWORD_FIELDS = ['password'] as const;

export function SetPassword({ user, close }: { user: User; close: () => void }) {
  const [password, setPassword] = useState('');
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const at = issuesAt(error, PASSWORD_FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void work(async () => {
      await api.update(user.id, { password });
      show(words.users.passwordSet(user.name));
      close();
    });
  };
  return (
    <Dialog onClose={close} title={words.users.setPasswordTitle(user.name)} size="lg">
      <form ref={form} onSubmit={submit} autoComplete="off">
        <Stack gap="sm">
          <Text size="sm">{words.users.otherPasswordBody}</Text>
          <input type="hidden" name="username" autoComplete="username" value={user.email} readOnly />
          <PasswordField
            first
            label={words.users.newPassword}
            description={words.users.hint(PASSWORD_MIN)}
            value={password}
            onChange={setPassword}
            error={at.password}
          />
          <Refusal error={error} fields={PASSWORD_FIELDS} />
          <FormFoot close={close} run={text.common.save} busy={busy} disabled={password.length < PASSWORD_MIN} />
        </Stack>
      </form>
    </Dialog>
  );
}
