// Package sqlstore keeps records of releases in PostgreSQL, in the tables that
// Helm uses with HELM_DRIVER=sql.
//
//	store, err := sqlstore.Open(ctx, os.Getenv("HELM_DRIVER_SQL_CONNECTION_STRING"), "prod", time.Now)
//	...
//	defer store.Close()
//
// Helm's driver creates its tables; the statements are our own, since that
// driver loses what Helm 3 does not know of a record and cannot compare before
// it replaces one. What the stores of a cluster keep in annotations is in a
// table of ours, slipway_operations_v1, whose rows go with Helm's.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// Store keeps the records of one namespace, and lists those of all. It is safe
// for concurrent use.
type Store struct {
	db        *sql.DB
	namespace string
	now       func() time.Time
}

// Open connects to a database and creates the tables that are not there. The
// connection string is one of PostgreSQL's, a URL or words like host=db; it is in
// no error. The clock tells when records were created and changed.
func Open(ctx context.Context, connection, namespace string, now func() time.Time) (*Store, error) {
	if namespace == "" {
		return nil, errors.New("a store of records needs a namespace")
	}
	connector, err := pq.NewConnector(connection)
	if err != nil {
		// The error quotes the string, which may hold a password.
		return nil, errors.New("connect to the database of records: the connection string is not one of PostgreSQL's")
	}
	s := &Store{db: sql.OpenDB(connector), namespace: namespace, now: now}
	if err := s.prepare(ctx, connection); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to the database of records: %w", err), s.db.Close())
	}
	return s, nil
}

// Close ends the connections.
func (s *Store) Close() error { return s.db.Close() }

// setupLock is the key of the advisory lock that makes concurrent first uses
// wait for each other; any number that nobody else has.
const setupLock = 7_310_219_884

const createOperations = `
CREATE TABLE slipway_operations_v1 (
	key VARCHAR(90),
	namespace VARCHAR(64),
	label TEXT NOT NULL,
	annotations TEXT NOT NULL,
	PRIMARY KEY (key, namespace),
	FOREIGN KEY (key, namespace) REFERENCES releases_v1 (key, namespace) ON DELETE CASCADE
);
GRANT ALL ON slipway_operations_v1 TO PUBLIC;
ALTER TABLE slipway_operations_v1 ENABLE ROW LEVEL SECURITY;`

// prepare creates the tables.
func (s *Store) prepare(ctx context.Context, connection string) error {
	helms, ours, err := s.tables(ctx, s.db)
	if err != nil || helms && ours {
		return err
	}
	return s.transaction(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(setupLock)); err != nil {
			return err
		}
		helms, ours, err := s.tables(ctx, tx)
		if err != nil {
			return err
		}
		if !helms {
			silent := func(string, ...any) {}
			if _, err := driver.NewSQL(connection, silent, s.namespace); err != nil {
				return fmt.Errorf("create Helm's tables: %w", err)
			}
		}
		if ours {
			return nil
		}
		if _, err := tx.ExecContext(ctx, createOperations); err != nil {
			return fmt.Errorf("create slipway's table: %w", err)
		}
		return nil
	})
}

// queryer is a database or a transaction.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// tables tells which tables are there.
func (s *Store) tables(ctx context.Context, q queryer) (helms, ours bool, err error) {
	err = q.QueryRowContext(ctx, `
		SELECT count(*) FILTER (WHERE relname IN ('releases_v1', 'custom_labels_v1')) = 2,
			count(*) FILTER (WHERE relname = 'slipway_operations_v1') = 1
		FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid)`).Scan(&helms, &ours)
	return helms, ours, err
}

// transaction runs f in one and commits it unless f fails.
func (s *Store) transaction(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
