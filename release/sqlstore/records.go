package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/e6d26078/slipway/release"
)

// metaColumns is what a listing reads. xmin is the transaction that wrote a row
// last, and so changes with every write, Helm's too: it serves as the token.
const metaColumns = `
	r.key, r.namespace, r.status, r.createdat, r.modifiedat, r.xmin::text,
	COALESCE(o.label, ''), COALESCE(o.annotations, '{}'),
	(SELECT COALESCE(json_object_agg(l.key, l.value), '{}') FROM custom_labels_v1 l
		WHERE l.releasekey = r.key AND l.releasenamespace = r.namespace)`

const fromRecords = `
	FROM releases_v1 r LEFT JOIN slipway_operations_v1 o ON o.key = r.key AND o.namespace = r.namespace`

// scanMeta reads metaColumns and whatever follows them. It reports false for a
// row that is no record.
func scanMeta(scan func(dest ...any) error, more ...any) (release.Meta, bool, error) {
	var key, namespace, status, created, modified, token, operation string
	var annotationsJSON, labelsJSON []byte
	dest := []any{&key, &namespace, &status, &created, &modified, &token, &operation, &annotationsJSON, &labelsJSON}
	if err := scan(append(dest, more...)...); err != nil {
		return release.Meta{}, false, err
	}
	var labels, annotations map[string]string
	if err := errors.Join(json.Unmarshal(labelsJSON, &labels), json.Unmarshal(annotationsJSON, &annotations)); err != nil {
		return release.Meta{}, false, err
	}
	labels["status"], labels["createdAt"], labels["modifiedAt"] = status, created, modified
	labels[release.LabelOperation] = operation
	m, ok := release.ReadMeta(key, namespace, labels, annotations)
	m.Token = token
	return m, ok, nil
}

// History lists the revisions of a release, oldest first.
func (s *Store) History(ctx context.Context, name string) ([]release.Meta, error) {
	if err := release.ValidateName(name); err != nil {
		return nil, err
	}
	return s.List(ctx, release.ListOptions{Namespace: s.namespace, Selector: "name=" + name})
}

// List returns revisions by namespace, name and revision. No record is read for it.
func (s *Store) List(ctx context.Context, options release.ListOptions) ([]release.Meta, error) {
	match, err := options.Matcher()
	if err != nil {
		return nil, err
	}
	states := make([]string, len(options.States))
	for i, status := range options.States {
		states[i] = status.String()
	}
	rows, err := s.db.QueryContext(ctx, "SELECT "+metaColumns+fromRecords+`
		WHERE r.owner = 'helm' AND ($1 = '' OR r.namespace = $1) AND (cardinality($2::text[]) = 0 OR r.status = ANY($2))`,
		options.Namespace, pq.Array(states))
	if err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	var list []release.Meta
	for rows.Next() {
		m, ok, err := scanMeta(rows.Scan)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("list records: %w", err), rows.Close())
		}
		if ok && match(m) {
			list = append(list, m)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	release.SortMeta(list)
	if options.Limit > 0 && len(list) > options.Limit {
		list = list[:options.Limit]
	}
	return list, nil
}

// Get reads one revision. It returns release.ErrNotFound if there is none and
// release.ErrUndecodable if it is no record.
func (s *Store) Get(ctx context.Context, name string, version int) (*release.Record, error) {
	row := s.db.QueryRowContext(ctx, "SELECT "+metaColumns+", r.body"+fromRecords+" WHERE r.key = $1 AND r.namespace = $2",
		release.Key(name, version), s.namespace)
	var body []byte
	m, _, err := scanMeta(row.Scan, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, release.NotFound(name, version)
	}
	if err != nil {
		return nil, fmt.Errorf("read release %s revision %d: %w", name, version, err)
	}
	r, err := release.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("read release %s revision %d: %w", name, version, err)
	}
	r.Attach(m)
	return r, nil
}

// Create stores a new revision and sets its Token, or returns release.ErrExists.
func (s *Store) Create(ctx context.Context, r *release.Record) error {
	m := r.Meta()
	m.CreatedAt, m.ModifiedAt = s.now().UTC().Truncate(time.Second), time.Time{}
	return s.write(ctx, r, m, func(tx *sql.Tx, key string, body []byte) (token string, err error) {
		err = tx.QueryRowContext(ctx, `
			INSERT INTO releases_v1 (key, type, body, name, namespace, version, status, owner, createdat)
			VALUES ($1, 'helm.sh/release.v1', $2, $3, $4, $5, $6, 'helm', $7)
			ON CONFLICT DO NOTHING RETURNING xmin::text`,
			key, body, r.Name, s.namespace, r.Version, m.Status.String(), m.CreatedAt.Unix()).Scan(&token)
		if errors.Is(err, sql.ErrNoRows) {
			err = release.ErrExists
		}
		return token, err
	})
}

// Update replaces a revision if it is still the one that r.Token names, and
// sets the new Token. It returns release.ErrConflict if somebody else has
// changed it and release.ErrNotFound if it is gone. Without a Token it replaces
// whatever is there.
func (s *Store) Update(ctx context.Context, r *release.Record) error {
	m := r.Meta()
	m.ModifiedAt = s.now().UTC().Truncate(time.Second)
	return s.write(ctx, r, m, func(tx *sql.Tx, key string, body []byte) (token string, err error) {
		err = tx.QueryRowContext(ctx, `
			UPDATE releases_v1 SET body = $3, status = $4, modifiedat = $5
			WHERE key = $1 AND namespace = $2 AND ($6 = '' OR xmin::text = $6) RETURNING xmin::text`,
			key, s.namespace, body, m.Status.String(), m.ModifiedAt.Unix(), r.Token).Scan(&token)
		if !errors.Is(err, sql.ErrNoRows) {
			return token, err
		}
		var there bool
		err = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM releases_v1 WHERE key = $1 AND namespace = $2)", key, s.namespace).Scan(&there)
		switch {
		case err != nil:
			return "", err
		case there:
			return "", release.ErrConflict
		}
		return "", release.ErrNotFound
	})
}

// write has a statement write the record, writes what is beside it and sets
// what r knows of its place in the store.
func (s *Store) write(ctx context.Context, r *release.Record, m release.Meta, record func(tx *sql.Tx, key string, body []byte) (string, error)) error {
	body, err := r.Encode()
	if err != nil {
		return err
	}
	var token string
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		if token, err = record(tx, release.Key(r.Name, r.Version), body); err != nil {
			return err
		}
		return s.writeMeta(ctx, tx, m)
	})
	if err != nil {
		return fmt.Errorf("write release %s revision %d: %w", r.Name, r.Version, err)
	}
	r.Token, r.CreatedAt, r.ModifiedAt = token, m.CreatedAt, m.ModifiedAt
	return nil
}

// writeMeta replaces what is kept beside a record.
func (s *Store) writeMeta(ctx context.Context, tx *sql.Tx, m release.Meta) error {
	key := release.Key(m.Name, m.Version)
	if err := s.deleteLabels(ctx, tx, key); err != nil {
		return err
	}
	for name, value := range m.Labels {
		if _, err := tx.ExecContext(ctx, "INSERT INTO custom_labels_v1 (releasekey, releasenamespace, key, value) VALUES ($1, $2, $3, $4)",
			key, s.namespace, name, value); err != nil {
			return fmt.Errorf("label %s: %w", name, err)
		}
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM slipway_operations_v1 WHERE key = $1 AND namespace = $2", key, s.namespace); err != nil {
		return err
	}
	if m.Operation == nil {
		return nil
	}
	annotations, err := m.StoredAnnotations()
	if err != nil {
		return err
	}
	text, err := json.Marshal(annotations)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO slipway_operations_v1 (key, namespace, label, annotations) VALUES ($1, $2, $3, $4)",
		key, s.namespace, m.StoredLabels()[release.LabelOperation], string(text))
	return err
}

func (s *Store) deleteLabels(ctx context.Context, tx *sql.Tx, key string) error {
	_, err := tx.ExecContext(ctx, "DELETE FROM custom_labels_v1 WHERE releasekey = $1 AND releasenamespace = $2", key, s.namespace)
	return err
}

// Delete removes a revision, or returns release.ErrNotFound.
func (s *Store) Delete(ctx context.Context, name string, version int) error {
	key := release.Key(name, version)
	return s.transaction(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM releases_v1 WHERE key = $1 AND namespace = $2", key, s.namespace)
		if err != nil {
			return fmt.Errorf("delete release %s revision %d: %w", name, version, err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(release.NotFound(name, version), err)
		}
		return s.deleteLabels(ctx, tx, key)
	})
}
