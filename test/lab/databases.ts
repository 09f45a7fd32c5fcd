/** A database server of Debian's packages: how it is started in a container, dumped, filled and checked. */
export type Database = {
  readonly name: string
  readonly packages: readonly string[]
  /** Its data lies in /data. */
  readonly serve: string
  readonly health: string
  readonly dump: string
  readonly restore: string
  readonly fill: string
  /** Goes on for ever. Each transaction counts one in two places. */
  readonly load: string
  /** Prints the two numbers, which are the same at any moment. */
  readonly counts: string
}

const pg = '/usr/lib/postgresql/*/bin'
const asPostgres = 'setpriv --reuid postgres --regid postgres --init-groups'

export const databases: readonly Database[] = [
  {
    name: 'postgresql',
    packages: ['postgresql'],
    serve: `set -e; cd /; if ! [ -s /data/PG_VERSION ]; then chown postgres: /data; chmod 0700 /data; ${asPostgres} ${pg}/initdb --pgdata /data --auth trust --locale C.UTF-8; fi; exec ${asPostgres} ${pg}/postgres -D /data -c unix_socket_directories=/tmp`,
    health: `${pg}/pg_isready --quiet --host /tmp`,
    dump: `${pg}/pg_dumpall --clean --if-exists --host /tmp --username postgres`,
    restore: `${pg}/psql --quiet --host /tmp --username postgres --dbname template1 > /dev/null`,
    fill: `${pg}/createdb --host /tmp --username postgres bench; ${pg}/psql --quiet --host /tmp --username postgres bench -c "create table history (id serial primary key, t text); create table total (n int); insert into total select 20000; insert into history (t) select repeat(md5(i::text), 10) from generate_series(1, 20000) i"`,
    load: `while :; do echo "begin; insert into history (t) values ('x'); update total set n = n + 1; commit;"; done | ${pg}/psql --quiet --host /tmp --username postgres bench`,
    counts: `${pg}/psql --tuples-only --no-align --field-separator ' ' --host /tmp --username postgres bench -c "select (select count(*) from history), (select n from total)"`,
  },
  {
    name: 'mariadb',
    packages: ['mariadb-server'],
    serve: 'set -e; mkdir -p /run/mysqld; chown mysql: /run/mysqld /data; [ -d /data/mysql ] || mariadb-install-db --user=mysql --datadir=/data --auth-root-authentication-method=normal > /dev/null; exec mariadbd --user=mysql --datadir=/data --socket=/run/mysqld/mysqld.sock --skip-networking',
    health: 'mariadb-admin --silent ping',
    dump: 'mariadb-dump --single-transaction --databases bench --add-drop-database',
    restore: 'mariadb',
    fill: 'mariadb -e "create database bench; create table bench.history (id int auto_increment primary key, t text) engine=innodb; create table bench.total (n int) engine=innodb; insert into bench.total values (20000)" && mariadb bench -e "insert into history (t) select repeat(md5(seq), 10) from seq_1_to_20000"',
    load: `while :; do echo "start transaction; insert into history (t) values ('x'); update total set n = n + 1; commit;"; done | mariadb bench`,
    counts: 'mariadb --batch --skip-column-names bench -e "select (select count(*) from history), (select n from total)"',
  },
  {
    name: 'redis',
    packages: ['redis-server'],
    serve: 'exec redis-server --dir /data --appendonly yes --enable-debug-command local',
    health: 'redis-cli ping | grep -q PONG',
    dump: 'redis-cli --rdb /tmp/dump > /dev/null 2>&1 && cat /tmp/dump',
    restore: 'cat > /data/dump.rdb && redis-cli debug reload nosave | grep -q OK',
    fill: 'for i in $(seq 20000); do echo "SET key:$i $(printf %0200d $i)"; done | redis-cli > /dev/null; redis-cli mset one 20000 other 20000',
    load: 'while :; do echo MULTI; echo INCR one; echo INCR other; echo EXEC; done | redis-cli > /dev/null',
    counts: 'redis-cli mget one other | tr "\\n" " "',
  },
]
