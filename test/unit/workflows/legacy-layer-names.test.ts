import { expect, test } from '@jest/globals'
import { LegacyLayerNames } from '../../../src/workflows/steps/legacy-layer-names.ts'

// as docker 20.10 saved an image of three layers
const jsons = [
  String.raw`{"id":"44ed45e277d8631d6fada905988c48783df38c09d34eb1f1e83b9c5a16ddde2e","created":"1970-01-01T00:00:00Z","container_config":{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null},"os":"linux"}`,
  String.raw`{"id":"c61a6c9093a4daa3963e12cbe8b670d219759eb62f9fa9908238a40cb1144dd5","parent":"44ed45e277d8631d6fada905988c48783df38c09d34eb1f1e83b9c5a16ddde2e","created":"1970-01-01T00:00:00Z","container_config":{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null},"os":"linux"}`,
  String.raw`{"id":"1e575ed0bc7a0c5630bbcacb373041ed352a6de436602a319b213262e058b526","parent":"c61a6c9093a4daa3963e12cbe8b670d219759eb62f9fa9908238a40cb1144dd5","created":"2026-11-21T07:17:09.841137453Z","container":"b59611e1b956c4480f4606b80eff50d5655e3cee784d5ff084c04d0a57f68d76","container_config":{"Hostname":"b59611e1b956","Domainname":"","User":"","AttachStdin":false,"AttachStdout":true,"AttachStderr":true,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":["PATH=/bin"],"Cmd":["sh","-c","echo \"\u003c\u0026\u003e\" \u003e /two \u0026\u0026 true"],"Image":"t:1","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":{}},"docker_version":"20.10.24+dfsg1","config":{"Hostname":"b59611e1b956","Domainname":"","User":"","AttachStdin":false,"AttachStdout":true,"AttachStderr":true,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":["PATH=/bin"],"Cmd":["/bin/sh","-c","echo \"\u003c\u0026\u003e\" \u0026\u0026 true"],"Image":"t:1","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":{}},"architecture":"amd64","os":"linux"}`,
]
const diffIds = ['360d5feee2f75aba4fada41b7d8687b658cd9f71b103365c7be692bda52f5a15', '7500ab05da161e1706061e0dc421262efbd90fb72a6d0a073b6d841a4d826184', 'dcf0cd1006726e1f6de9bea300851d39acf8f2909ba0cd0f1f4ab6db56c3470d'].map(hex => `sha256:${hex}`)
const ids = jsons.map(json => (JSON.parse(json) as { id: string }).id)

test('each layer is recognised by its folder, whatever the order', () => {
  const names = new LegacyLayerNames(diffIds)
  for (const at of [2, 0, 1]) names.learn(ids[at]!, Buffer.from(jsons[at]!))
  expect(ids.map(id => names.diffIdOf(id))).toEqual(diffIds)
})

test('a folder that does not belong to the image is not recognised', () => {
  const others = new LegacyLayerNames([...diffIds].reverse())
  for (const [at, json] of jsons.entries()) others.learn(ids[at]!, Buffer.from(json))
  expect(ids.map(id => others.diffIdOf(id))).toEqual([undefined, undefined, undefined])
  const names = new LegacyLayerNames(diffIds)
  for (const json of ['', '[]', 'null', '{"id":1}', jsons[0]!.replace('linux', 'linus'), jsons[0]!.replace('1970', '1971')]) names.learn(ids[1]!, Buffer.from(json))
  expect(names.diffIdOf(ids[1]!)).toBeUndefined()
})
