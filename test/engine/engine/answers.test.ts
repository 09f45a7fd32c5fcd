import { testAnswers } from './answers-contract.ts'

testAnswers('20.10', '1.41', 'graphdriver')
