export { nearestNames } from './nearest-names.ts';
export {
  parseStrictYaml,
  type Locate,
  type Path,
  type Problem,
  type StrictYaml,
} from './parse-strict-yaml.ts';
