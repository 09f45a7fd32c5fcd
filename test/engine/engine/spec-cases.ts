/** A container as people make it with the docker command, one per trap of replaying a spec. */
export type SpecCase = {
  readonly name: string
  /**
   * A shell script. The container is "$C"; names of peers, networks and volumes begin with "$C-"; "$S" is a directory that the
   * engine sees. Images: app:1 (nothing declared) and full:1 (everything declared).
   */
  readonly script: string
  /** The API versions of engines that have the feature. */
  readonly since?: string
  readonly until?: string
}

export const fullImage = {
  entrypoint: ['/bin/busybox', 'env'],
  cmd: ['sleep', '1000'],
  env: { PATH: '/bin', FROM: 'image', KEPT: 'yes' },
  labels: { 'from': 'image', 'org.example.kept': 'yes' },
  volumes: ['/declared', '/also declared'],
  expose: ['80', '53/udp'],
  workdir: '/tmp',
  user: '0:0',
}

const busy = 'app:1 sleep 1000'

export const specCases: readonly SpecCase[] = [
  { name: 'plain-created', script: `docker create --name $C ${busy}` },
  { name: 'plain-running', script: `docker run -d --name $C ${busy}` },
  { name: 'paused', script: `docker run -d --name $C ${busy}; docker pause $C` },
  { name: 'exited', script: 'docker run --name $C app:1 sh -c "exit 3" || true' },
  { name: 'image-defaults', script: 'docker create --name $C full:1' },
  { name: 'entrypoint-reset', script: 'docker create --name $C --entrypoint "" full:1 /bin/sleep 5' },
  { name: 'entrypoint-changed', script: 'docker create --name $C --entrypoint /bin/sleep full:1' },
  { name: 'command-and-env', script: 'docker create --name $C -e FROM=user -e EMPTY= -e "TWO WORDS=a b" -w /var -u 1000:1000 -l from=user -l empty= full:1 echo "two words" ""' },
  { name: 'hostname-set', script: `docker create --name $C --hostname web --domainname example.test ${busy}` },
  { name: 'terminal', script: 'docker create -it --name $C app:1 sh' },
  { name: 'network-host', script: `docker create --name $C --network host ${busy}` },
  { name: 'network-host-hostname', script: `docker create --name $C --network host --hostname web ${busy}` },
  { name: 'network-none', script: `docker create --name $C --network none ${busy}` },
  { name: 'network-of-container', script: `docker run -d --name $C-peer ${busy}; docker create --name $C --network container:$C-peer full:1` },
  { name: 'namespaces-of-container', script: `docker run -d --name $C-peer --ipc shareable ${busy}; docker run -d --name $C --pid container:$C-peer --ipc container:$C-peer ${busy}` },
  { name: 'namespaces-of-host', script: `docker create --name $C --pid host --ipc host --uts host ${busy}` },
  { name: 'links', script: `docker run -d --name $C-peer ${busy}; docker create --name $C --link $C-peer:db --link $C-peer ${busy}` },
  { name: 'links-in-own-network', script: `docker network create $C-net; docker run -d --name $C-peer --network $C-net ${busy}; docker create --name $C --network $C-net --link $C-peer:db ${busy}` },
  { name: 'own-network', script: `docker network create --label a=b --opt com.docker.network.bridge.name=dr-own $C-net; docker run -d --name $C --network $C-net --network-alias web --network-alias www ${busy}` },
  { name: 'two-networks', script: `docker network create $C-net; docker network create --subnet 10.97.2.0/24 --internal $C-net2; docker create --name $C --network $C-net --network-alias web ${busy}; docker network connect --alias second --ip 10.97.2.7 $C-net2 $C; docker start $C` },
  { name: 'hostname-in-two-networks', script: `docker network create $C-net; docker network create $C-net2; docker create --name $C --hostname web --network $C-net ${busy}; docker network connect --alias second $C-net2 $C` },
  { name: 'bridge-and-own-network', script: `docker network create $C-net; docker create --name $C ${busy}; docker network connect $C-net $C` },
  { name: 'disconnected-from-bridge', script: `docker network create $C-net; docker create --name $C ${busy}; docker network connect $C-net $C; docker network disconnect bridge $C` },
  { name: 'disconnected-from-all', script: `docker create --name $C ${busy}; docker network disconnect bridge $C` },
  { name: 'network-by-id', script: `docker create --name $C --network $(docker network create $C-net) ${busy}` },
  { name: 'static-address', script: `docker network create --subnet 10.97.3.0/24 --gateway 10.97.3.254 --ip-range 10.97.3.128/25 --aux-address host=10.97.3.130 $C-net; docker run -d --name $C --network $C-net --ip 10.97.3.9 ${busy}` },
  { name: 'static-address-v6', script: `docker network create --ipv6 --subnet 10.97.4.0/24 --subnet fd97:4::/64 $C-net; docker create --name $C --network $C-net --ip 10.97.4.9 --ip6 fd97:4::9 --link-local-ip 169.254.9.9 ${busy}` },
  { name: 'network-options', script: `docker network create --internal --attachable --label a= --opt com.docker.network.bridge.enable_icc=false --opt com.docker.network.driver.mtu=1400 $C-net; docker run -d --name $C --network $C-net ${busy}` },
  { name: 'macvlan', script: `docker network create -d macvlan --subnet 10.97.5.0/24 --gateway 10.97.5.1 --opt parent=eth0 $C-net; docker create --name $C --network $C-net --ip 10.97.5.9 --mac-address 02:42:ac:11:77:81 ${busy}` },
  { name: 'mac-address', script: `docker run -d --name $C --mac-address 02:42:ac:11:77:77 ${busy}` },
  { name: 'mac-address-in-own-network', script: `docker network create $C-net; docker create --name $C --network $C-net --mac-address 02:42:ac:11:77:78 ${busy}` },
  { name: 'mac-address-without-network', script: `docker create --name $C --network none --mac-address 02:42:ac:11:77:80 ${busy}` },
  { name: 'ports', script: `docker create --name $C -p 127.0.0.1:18080:80 -p 18090:90/udp -p 95 -p 18100-18102:100-102 -p 18103-18109:103 full:1` },
  { name: 'ports-all', script: 'docker run -d --name $C -P full:1' },
  { name: 'binds', script: `mkdir -p $S/$C/dir; echo x > $S/$C/file; docker volume create $C-vol; docker create --name $C -v $S/$C/dir:/dir:ro,rslave -v $S/$C/file:/etc/file -v $C-vol:/vol:nocopy -v $C-vol:/vol2:ro ${busy}` },
  { name: 'mounts', script: `mkdir -p $S/$C/dir; docker volume create $C-vol; docker create --name $C --mount type=volume,src=$C-vol,dst=/vol,volume-nocopy --mount type=bind,src=$S/$C/dir,dst=/dir,readonly,bind-propagation=rslave --mount type=tmpfs,dst=/mem,tmpfs-size=1m,tmpfs-mode=1770 --mount type=volume,dst=/anonymous --mount type=volume,dst=/options,volume-opt=type=tmpfs,volume-opt=device=tmpfs ${busy}` },
  { name: 'mount-over-declared', script: 'docker volume create $C-vol; docker create --name $C -v $C-vol:/declared full:1' },
  { name: 'anonymous-volumes', script: 'docker create --name $C -v /anonymous full:1' },
  { name: 'anonymous-volume-kept-by-name', script: `docker create --name $C -v $(docker volume create):/data ${busy}` },
  { name: 'volume-options', script: `docker volume create --label com.example.a=b --opt type=tmpfs --opt device=tmpfs --opt o=size=1m $C-vol; docker create --name $C -v $C-vol:/vol ${busy}` },
  { name: 'volumes-from', script: `mkdir -p $S/$C; docker volume create $C-vol; docker create --name $C-peer -v $C-vol:/vol -v /anonymous -v $S/$C:/bind:ro ${busy}; docker create --name $C --volumes-from $C-peer:ro ${busy}` },
  { name: 'tmpfs', script: `docker create --name $C --tmpfs /t:rw,size=1m,mode=1777 --tmpfs /u ${busy}` },
  { name: 'resources', script: `docker create --name $C -m 64m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 --cpuset-cpus 0 --pids-limit 100 --ulimit nofile=1000:2000 --ulimit core=0 --shm-size 32m --oom-score-adj 100 ${busy}` },
  { name: 'memory-without-swap', script: `docker create --name $C -m 64m --memory-swap 64m --memory-swappiness 0 --oom-kill-disable ${busy}` },
  { name: 'capabilities', script: `docker create --name $C --cap-add NET_ADMIN --cap-add SYS_TIME --cap-drop MKNOD --security-opt no-new-privileges --security-opt seccomp=unconfined --read-only --group-add 5 --userns host ${busy}` },
  { name: 'capabilities-all', script: `docker create --name $C --cap-drop ALL --cap-add CHOWN ${busy}` },
  { name: 'privileged', script: `docker create --name $C --privileged ${busy}` },
  { name: 'systempaths-unconfined', script: `docker create --name $C --security-opt systempaths=unconfined ${busy}` },
  { name: 'health', script: `docker create --name $C --health-cmd 'test -e "/ok file"' --health-interval 90s --health-retries 3 --health-timeout 2s --health-start-period 5s --stop-signal SIGINT --stop-timeout 0 ${busy}` },
  { name: 'health-off', script: `docker create --name $C --no-healthcheck --stop-timeout 30 ${busy}` },
  { name: 'log-driver', script: `docker create --name $C --log-driver local --log-opt max-size=1m ${busy}` },
  { name: 'log-options', script: `docker create --name $C --log-opt max-size=1m --log-opt max-file=2 ${busy}` },
  { name: 'restart-always', script: `docker run -d --name $C --restart always ${busy}` },
  { name: 'restart-on-failure', script: `docker create --name $C --restart on-failure:3 ${busy}` },
  { name: 'auto-remove', script: `docker run -d --rm --name $C -v /anonymous ${busy}` },
  { name: 'devices', script: `docker create --name $C --device /dev/null:/dev/nothing:r --device-cgroup-rule "c 1:* rmw" --device-read-bps /dev/null:1mb --runtime runc --cgroup-parent /dray-spec --cgroupns private ${busy}` },
  { name: 'sysctls', script: `docker create --name $C --sysctl net.core.somaxconn=512 ${busy}` },
  { name: 'sysctls-of-interface', script: `docker create --name $C --sysctl net.ipv4.conf.eth0.log_martians=1 --sysctl net.ipv6.conf.eth0.accept_ra=2 ${busy}`, until: '1.45' },
  { name: 'names-and-hosts', script: `docker create --name $C --dns 192.0.2.1 --dns-search example.test --dns-option ndots:2 --add-host a.test:192.0.2.2 --add-host host.docker.internal:host-gateway --init ${busy}` },
  { name: 'compose-labels', script: `docker network create --label com.docker.compose.project=p --label com.docker.compose.network=default $C-net; docker volume create --label com.docker.compose.project=p --label com.docker.compose.volume=data $C-vol; docker create --name $C -l com.docker.compose.project=p -l com.docker.compose.service=web -l com.docker.compose.container-number=1 --network $C-net --network-alias web -v $C-vol:/data ${busy}` },
  { name: 'annotations', since: '1.43', script: `docker create --name $C --annotation a.b/c=d ${busy}` },
  { name: 'start-interval', since: '1.44', script: `docker create --name $C --health-cmd true --health-start-interval 2s --health-start-period 9s ${busy}` },
  { name: 'read-only-bind-not-recursive', since: '1.44', script: `mkdir -p $S/$C; docker create --name $C --mount type=bind,src=$S/$C,dst=/dir,readonly,bind-recursive=writable ${busy}` },
  { name: 'endpoint-mac-address', since: '1.44', script: `docker network create $C-net; docker create --name $C --network name=$C-net,mac-address=02:42:ac:11:77:79 ${busy}` },
  { name: 'volume-subpath', since: '1.45', script: `docker volume create $C-vol; docker run --rm -v $C-vol:/v app:1 mkdir /v/sub; docker create --name $C --mount type=volume,src=$C-vol,dst=/sub,volume-subpath=sub ${busy}` },
  { name: 'gateway-priority', since: '1.48', script: `docker network create $C-net; docker network create $C-net2; docker create --name $C --network name=$C-net,gw-priority=5,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1 --network name=$C-net2,gw-priority=7 ${busy}` },
  { name: 'image-mount', since: '1.48', script: `docker create --name $C --mount type=image,src=full:1,dst=/img,image-subpath=bin ${busy}` },
]
