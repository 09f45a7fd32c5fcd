import { testAnswers } from '../../engine/engine/answers-contract.ts'

testAnswers('26.1', '1.45', 'graphdriver')
testAnswers('28.5', '1.51', 'containerd')
testAnswers('28.5-overlay2', '1.51', 'graphdriver')
